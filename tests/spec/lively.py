"""What a test and the hooks in the process of schemathesis that it starts both name.

In a file of its own: to import schemathesis takes each worker a second, and that process alone needs it.
"""

LIVELY = "lively"
"""The game in which rounds have been played. Until the last phase, that of links, nothing deletes it."""
GROUPED = "lab"
"""A game with groups."""
WEBSOCKET = "TRADEGAME_TEST_WEBSOCKET"
"""Names the server's WebSocket."""
