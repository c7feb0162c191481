"""Who a client is, kept from connection to connection."""

from __future__ import annotations

from attrs import define

from tradegame.client.wire import Json
from tradegame.protocol.replies import PlayerInfo, ServerInfo

NO_SERVER = ServerInfo("", "", 20, 16_384, 20, 40)
"""Until a hello was answered."""


@define
class Session:
    """``code`` and ``seat`` (a game, and a number) count until there is a token."""

    name: str | None
    token: str | None
    code: str | None = None
    seat: tuple[str, str] | None = None
    robot: bool = False
    player: PlayerInfo | None = None
    server: ServerInfo = NO_SERVER

    def __attrs_post_init__(self) -> None:
        if self.token is not None:  # of a personal link, what a browser keeps to itself
            self.token = self.token.rpartition("#seat=")[2]

    def hello(self) -> Json:
        """What a hello says of who this is."""
        said: Json = {}
        if self.token is not None:
            said["token"] = self.token
        elif self.code is not None:
            said["code"] = self.code
        elif self.seat is not None:
            game, number = self.seat
            said["seat"] = {"game": game, "number": number}
        elif self.robot:
            said["robot"] = True
        if self.name is not None and self.player is None:
            said["name"] = self.name
        return said
