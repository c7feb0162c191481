"""``tradegame.v1``: everything that a client and a server say to each other, each thing once.

``errors`` has the error codes, ``closing`` the close codes. Nothing here imports anything else of tradegame.
"""

SUBPROTOCOL = "tradegame.v1"
"""The WebSocket subprotocol (RFC 6455, section 1.9)."""
