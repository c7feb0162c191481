"""tradegame: a server on which people run real-time trading games."""

__version__ = "0.1.0"
