"""The host's calls about people, as `operations` has all others."""

from __future__ import annotations

from tradegame.controller.spec.operation import GAME, HOST, STORE, Operation, command
from tradegame.protocol.commands import SetRobots
from tradegame.protocol.errors import (
    BadRequestError,
    KeyReusedError,
    UnknownGameError,
    UnknownMessageError,
    UnknownPlayerError,
)
from tradegame.protocol.http import Muting, Regrouping, Robots, Roster, Sitting, Telling
from tradegame.protocol.seats import NewRoster, SeatLink, SeatLinks

PEOPLE: tuple[Operation, ...] = (
    Operation(
        path="/v1/games/{game}/roster",
        id="getRoster",
        about="Who may join, and who has.",
        tag="host",
        answer=Roster,
        host=True,
        errors=(*GAME, *HOST),
    ),
    command("/roster", "setRoster", "Say who may join. Whoever has an account keeps it.", body=NewRoster),
    Operation(
        path="/v1/games/{game}/links",
        id="listLinks",
        about="The personal links of the roster's seats; with `pictures`, each as a QR code, too. Whoever has a link is"
        " its player, so they are secrets.",
        tag="host",
        query={"pictures": bool},
        answer=SeatLinks,
        host=True,
        errors=(BadRequestError, *GAME, *HOST, *STORE),
    ),
    Operation(
        method="POST",
        path="/v1/games/{game}/seats/{seat}/link",
        id="renewLink",
        about="A new personal link for a seat. The one of before is worth nothing any more, and all connections of its"
        " player are closed. Then a number leads to the seat again, too.",
        tag="host",
        answer=SeatLink,
        host=True,
        keyed=True,
        errors=(BadRequestError, KeyReusedError, UnknownGameError, UnknownPlayerError, *HOST, *STORE),
    ),
    command(
        "/players/{player}",
        "removePlayer",
        "Take a player's account in a game away, with orders and all that it owns. They may have no other one.",
        UnknownPlayerError,
        method="DELETE",
    ),
    command(
        "/players/{player}/readmit",
        "readmitPlayer",
        "Let a player whose account was removed join anew.",
        UnknownPlayerError,
    ),
    command(
        "/players/{player}/group",
        "setGroup",
        "Let a player who came in by this game have another of its groups. Their account in the one of before is gone.",
        UnknownPlayerError,
        body=Regrouping,
    ),
    command(
        "/players/{player}/mute",
        "mutePlayer",
        "Let a player not speak in a game, or speak again.",
        UnknownPlayerError,
        body=Muting,
    ),
    command(
        "/players/{player}/message",
        "tellPlayer",
        "Say something to one player: a whisper from `host`, to whoever of the player's connections is there.",
        UnknownPlayerError,
        body=Telling,
    ),
    Operation(
        path="/v1/games/{game}/robots",
        id="getRobots",
        about="How robots fill up a game, and for whom they sit in.",
        tag="host",
        answer=Robots,
        host=True,
        errors=(*GAME, *HOST),
    ),
    command("/robots", "setRobots", "Let robots fill up a game, or none any more.", body=SetRobots),
    command(
        "/players/{player}/robot",
        "sitIn",
        "Let a robot sit in for a player, until the player joins or trades; or let it go.",
        UnknownPlayerError,
        body=Sitting,
    ),
    command(
        "/messages/{message}", "deleteMessage", "Delete a message, by its number.", UnknownMessageError, method="DELETE"
    ),
)
