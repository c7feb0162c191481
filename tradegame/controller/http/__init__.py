"""The HTTP edge: Hypercorn behind the door, and what it serves."""
