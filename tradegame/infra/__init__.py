"""Adapters: the stores and the configuration."""
