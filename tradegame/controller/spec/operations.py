"""What there is over HTTP, as a table: each operation, what it takes, what it answers, and which errors."""

from __future__ import annotations

from typing import Any

from tradegame.controller.spec.operation import (
    CSV,
    FILES,
    HTML,
    JSON,
    JSON_LINES,
    SCRIPT,
    SQLITE,
    SVG,
    TEXT,
    XLSX,
    ZIP,
    Operation,
)
from tradegame.controller.spec.operation import GAME as _GAME
from tradegame.controller.spec.operation import HOST as _HOST
from tradegame.controller.spec.operation import STORE as _STORE
from tradegame.controller.spec.operation import command as _command
from tradegame.controller.spec.operation import file as _file
from tradegame.controller.spec.operation import inside as _inside
from tradegame.controller.spec.people import PEOPLE
from tradegame.core.domain.definition import GameDefinition
from tradegame.protocol.bounds import Depth, GameCode, RankedBy
from tradegame.protocol.commands import AddTime, Announce, Pause, SetAccess, SetPhase
from tradegame.protocol.errors import (
    BadRequestError,
    CommandTimeoutError,
    EpochOverError,
    GameThereError,
    KeyReusedError,
    NoHouseError,
    NotFoundError,
    NotJoinedError,
    NotOpenError,
    OverloadedError,
    UnavailableError,
    UnknownGameError,
    UnknownGoodError,
    UnknownPlayerError,
)
from tradegame.protocol.http import (
    Coming,
    Debrief,
    Defined,
    Done,
    Invitation,
    Made,
    Presets,
    Reach,
    SeparatorName,
    TableFormat,
    Vitals,
)
from tradegame.protocol.report import Report
from tradegame.protocol.state import Games, GameState, Standings

OPERATIONS: tuple[Operation, ...] = (
    _file("/", "play", "The page to play on.", HTML),
    _file(
        "/watch/{game}",
        "watch",
        "The page to watch a game on, for a wall. It says itself if there is no such game.",
        HTML,
        names={"game": str},
    ),
    _file("/host", "host", "The host's page.", HTML),
    _file(
        "/report/{game}",
        "report",
        "The page with a player's own report: behind the # is its key, or the browser has the player's session.",
        HTML,
        names={"game": str},
    ),
    _file(
        "/{code}",
        "playByCode",
        "The page to play on, for the game with this code, in capitals or not.",
        HTML,
        names={"code": GameCode},
        errors=(NotFoundError,),
    ),
    _file("/tradegame.js", "client", "The JavaScript client, a module.", SCRIPT),
    _file("/tradegame.d.ts", "clientTypes", "The JavaScript client's types.", TEXT),
    _file("/favicon.ico", "icon", "The icon.", "image/svg+xml"),
    _file("/static/{path}", "file", "What the pages load.", *FILES, errors=(NotFoundError,)),
    _file("/asyncapi.json", "asyncapi", "The WebSocket side, an AsyncAPI 3.0 document.", JSON, answer=dict[str, Any]),
    _file("/openapi.json", "openapi", "This document.", JSON, answer=dict[str, Any]),
    Operation(path="/healthz", id="healthz", about="The process lives.", tag="health", kinds=(TEXT,)),
    Operation(
        path="/readyz",
        id="readyz",
        about="The node can serve; if not, 503 with the reason. Each game that it does not serve has a line.",
        tag="health",
        kinds=(TEXT,),
        not_ready=True,
    ),
    Operation(path="/metrics", id="metrics", about="Prometheus metrics.", tag="health", kinds=(TEXT,)),
    Operation(
        path="/v1/health", id="vitals", about="How the node does, in a few numbers.", tag="health", answer=Vitals
    ),
    Operation(
        path="/v1/reach",
        id="reach",
        about="Whether a page of this origin may open a WebSocket here; if not, why, and what the host has to set.",
        tag="health",
        query={"origin": str},
        answer=Reach,
        errors=(BadRequestError,),
    ),
    Operation(path="/v1/games", id="listGames", about="Every game that this node serves.", tag="games", answer=Games),
    Operation(
        path="/v1/games/{game}",
        id="getGame",
        about="A game's public state.",
        tag="games",
        answer=GameState,
        errors=_GAME,
    ),
    Operation(
        path="/v1/games/{game}/standings",
        id="getStandings",
        about="The richest players.",
        tag="games",
        query={"limit": Depth, "by": RankedBy},
        answer=Standings,
        errors=(BadRequestError, *_GAME),
    ),
    Operation(
        path="/v1/games/{game}/debrief",
        id="getDebrief",
        about="The results of the last closed rounds.",
        tag="games",
        answer=Debrief,
        errors=_GAME,
    ),
    Operation(
        path="/v1/games/{game}/report",
        id="getReport",
        about="A player's own report on the closed rounds, for that player alone, while the host shows reports.",
        tag="games",
        answer=Report,
        own=True,
        errors=(NotFoundError, *_HOST, NotJoinedError, UnknownPlayerError, UnknownGameError, *_STORE),
    ),
    Operation(
        path="/v1/games/{game}/invitation",
        id="getInvitation",
        about="The address to tell others, so that they get to a game.",
        tag="games",
        answer=Invitation,
        errors=_GAME,
    ),
    Operation(
        path="/v1/games/{game}/invitation.svg",
        id="getInvitationPicture",
        about="The same as a QR code.",
        tag="games",
        kinds=(SVG,),
        errors=_GAME,
    ),
    Operation(
        path="/v1/presets", id="listPresets", about="Games that come along, to be made.", tag="games", answer=Presets
    ),
    Operation(
        path="/v1/admin",
        id="checkToken",
        about="Whether the admin token is the right one.",
        tag="host",
        answer=Done,
        host=True,
        errors=_HOST,
    ),
    Operation(
        method="POST",
        path="/v1/games",
        id="createGame",
        about="Make a game: the body is a `[[games]]` table of config.toml, as JSON.",
        tag="host",
        status=201,
        answer=Made,
        body=GameDefinition,
        host=True,
        keyed=True,
        errors=(BadRequestError, GameThereError, KeyReusedError, EpochOverError, *_HOST, *_STORE),
    ),
    Operation(
        method="DELETE",
        path="/v1/games/{game}",
        id="deleteGame",
        about="Delete a game, for all.",
        tag="host",
        answer=Done,
        host=True,
        keyed=True,
        errors=(UnknownGameError, BadRequestError, KeyReusedError, *_HOST, *_STORE),
    ),
    _command("/phase", "setPhase", "Open or close a game.", body=SetPhase),
    _command(
        "/pause",
        "pauseGame",
        "Stop a game's clock and its trade, or let both go on.",
        NotOpenError,
        body=Pause,
    ),
    _command("/time", "addTime", "Let the phase end later.", NotOpenError, body=AddTime),
    _inside("/news", "listComingNews", "The scheduled news that are left in the open round.", Coming),
    _inside("/definition", "getDefinition", "A game's definition, as it was made, every default filled in.", Defined),
    _command(
        "/news",
        "announce",
        "Publish news, which may shift an anchor.",
        UnknownGoodError,
        NoHouseError,
        NotOpenError,
        body=Announce,
    ),
    _command(
        "/access",
        "setAccess",
        "Lock a game, so that nobody new gets an account, or switch its chat off; and the other way.",
        body=SetAccess,
    ),
    *PEOPLE,
    _command("/reveal", "reveal", "Let everybody read the results of closed rounds, though private values last."),
    Operation(
        path="/v1/games/{game}/log",
        id="exportLog",
        about="The game's whole retained log as JSON lines, for `tradegame verify`. With `pseudonyms`, every id and"
        " every name is another one, the same in each export as long as the admin token is; what was said is left out,"
        " but with `chat`.",
        tag="host",
        kinds=(JSON_LINES,),
        query={"pseudonyms": bool, "chat": bool},
        host=True,
        errors=(BadRequestError, UnknownGameError, *_HOST, UnavailableError),
    ),
    Operation(
        path="/v1/games/{game}/tables",
        id="exportTables",
        about="What the retained log tells, as tables: players, rounds, orders, trades, quotes, chat and so on, with a"
        " codebook. A workbook (`xlsx`), or an archive of CSV files (`csv`). Where a sheet has no room for all rows,"
        " the workbook is in an archive, too, with the rest as CSV. Of an entrance: an archive of its own tables and"
        " those of each of its groups. `pseudonyms` and `chat` as for the log.",
        tag="host",
        kinds=(XLSX, ZIP),
        query={"format": TableFormat, "separator": SeparatorName, "pseudonyms": bool, "chat": bool},
        host=True,
        errors=(BadRequestError, UnknownGameError, OverloadedError, CommandTimeoutError, *_HOST, UnavailableError),
    ),
    Operation(
        path="/v1/games/{game}/reports.csv",
        id="listReportLinks",
        about="The links to the players' own reports, as CSV. Whoever has one can read that report: they are secrets.",
        tag="host",
        kinds=(CSV,),
        query={"separator": SeparatorName},
        host=True,
        errors=(BadRequestError, *_HOST, *_GAME),
    ),
    Operation(
        path="/v1/backup",
        id="backup",
        about="A copy of the whole store, a SQLite database, for `tradegame backup`. With etcd there is none.",
        tag="host",
        kinds=(SQLITE,),
        host=True,
        errors=(NotFoundError, *_HOST, UnavailableError),
    ),
    Operation(
        method="DELETE",
        path="/v1/players/{player}",
        id="kickPlayer",
        about="Close a player's connections on every node, and let none of the tokens in again.",
        tag="host",
        answer=Done,
        host=True,
        errors=(UnknownPlayerError, *_HOST, *_STORE),
    ),
)
"""Every route of `tradegame.controller.http.routes`, and nothing else: a test compares them."""
