"""All that a host may do to a game, by the OpenAPI document: a call that is missing here fails the import."""

from __future__ import annotations

from typing import Any

from tradegame.controller.spec import openapi

CALLS: list[tuple[str, str, Any]] = [
    ("post", "/v1/games/{game}/access", {"reports": True}),
    ("post", "/v1/games/{game}/roster", {"seats": [{"label": "4711"}]}),
    ("post", "/v1/games/{game}/seats/{seat}/link", None),
    ("post", "/v1/games/{game}/roster", {"names": []}),
    ("post", "/v1/games/{game}/news", {"text": "rain"}),
    ("post", "/v1/games/{game}/pause", {"paused": True}),
    ("post", "/v1/games/{game}/pause", {"paused": False}),
    ("post", "/v1/games/{game}/players/{player}/mute", {"muted": True}),
    ("post", "/v1/games/{game}/players/{player}/message", {"text": "well done"}),
    ("post", "/v1/games/{game}/players/{player}/robot", {"sits": True}),
    ("post", "/v1/games/{game}/robots", {"fill_to": 3}),
    ("delete", "/v1/games/{game}/messages/{message}", None),
    ("delete", "/v1/games/{game}/players/{player}", None),
    ("post", "/v1/games/{game}/players/{player}/readmit", None),
    ("post", "/v1/games/{game}/reveal", None),
    ("post", "/v1/games/{game}/phase", {"phase": "closed"}),
]
"""What a host may do to this game, in an order in which all of it is done."""
REFUSED: list[tuple[str, str, Any]] = [
    ("post", "/v1/games/{game}/time", {"seconds": 30}),
    ("post", "/v1/games/{game}/players/{player}/group", {"group": "A"}),
]
"""What this game has no use for: it has no clock and no groups."""
_DELETE = ("delete", "/v1/games/{game}")
_PATHS: dict[str, dict[str, Any]] = openapi()["paths"]
READS: list[str] = [path for path, methods in _PATHS.items() if "get" in methods]
"""Every path that can be asked for, by anybody or by the host."""
_published = {(method, path) for path in _PATHS if "{game}" in path for method in _PATHS[path] if method != "get"}
assert _published == {(method, path) for method, path, _ in CALLS + REFUSED} | {_DELETE}
