"""Logging, error handling, metrics. Imports nothing else of tradegame."""
