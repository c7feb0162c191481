"""``tradegame.v1``: everything that a client and a server say to each other, each thing once.

``bounds`` has the kinds of values; ``requests`` what a client may ask; ``commands`` what a game's log holds;
``replies``, ``pushes``, ``state`` and ``http`` what the server says; ``errors`` the error codes; ``closing`` the close
codes. Decoding with checking, encoding, the AsyncAPI and OpenAPI documents, ``tradegame.d.ts``, the tables of
``tradegame.js`` and those of docs/protocol.md come from these classes. Nothing here imports anything else of ours.
"""

from msgspec import Struct

SUBPROTOCOL = "tradegame.v1"
"""The WebSocket subprotocol (RFC 6455, section 1.9)."""


def tag_of(request: type[Struct]) -> str:
    """What a message is called on the wire: the ``op`` of a request or command, the ``push`` or ``type`` of news."""
    tag = request.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
