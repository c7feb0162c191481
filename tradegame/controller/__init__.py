"""The edge: bytes from clients become requests, outcomes become bytes."""
