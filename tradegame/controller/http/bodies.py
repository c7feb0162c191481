"""What the host's requests hold, beside a game's definition, and how they are answered."""

from __future__ import annotations

import json
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.websocket import codec
from tradegame.core.domain.events import Outcome
from tradegame.protocol.bounds import ID_PATTERN, TOO_DEEP, too_deep
from tradegame.protocol.errors import BadRequestError, UnknownGameError
from tradegame.protocol.http import IDEMPOTENCY_KEY, KEY_LENGTH, NOT_IN_A_BODY, Published
from tradegame.protocol.replies import Sent

T = TypeVar("T", bound=Struct)
Default = TypeVar("Default", bound=str | None)

MAX_QUERY = 1_024
"""The most characters of a query that is looked into: an origin is shorter, even with each character as ``%XX``. To
take one apart costs up to 0.4 µs a character.
"""


def key_of(request: Request) -> str | None:
    """The key of the call, if it has one. Raises BadRequestError."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not (1 <= len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        raise BadRequestError(f"expected 1 to {KEY_LENGTH} printable characters", at=IDEMPOTENCY_KEY)
    return key


def parameter(request: Request, name: str, default: Default) -> str | Default:
    """What the query says of ``name``. Raises BadRequestError for a query that is too long."""
    if len(request.scope["query_string"]) > MAX_QUERY:
        raise BadRequestError(f"a query has at most {MAX_QUERY} characters", at=name)
    found: str | Default = request.query_params.get(name, default)
    return found


def flag(request: Request, name: str) -> bool:
    """Whether the query says ``name=true``. Raises BadRequestError for anything but true and false."""
    given = parameter(request, name, "false")
    if given not in ("true", "false"):
        raise BadRequestError("expected true or false", at=name)
    return given == "true"


def choice(request: Request, name: str, literal: Any) -> Any:
    """Which word of a Literal the query's ``name`` says; the first if it says nothing. Raises BadRequestError."""
    known: tuple[str, ...] = get_args(literal)
    given = parameter(request, name, known[0])
    if given not in known:
        raise BadRequestError(f"expected {', '.join(known[:-1])} or {known[-1]}", at=name)
    return given


async def json_object(request: Request) -> dict[str, Any]:
    """The body, whatever its fields. Raises BadRequestError for what is no JSON object."""
    try:
        text = (await request.body()).decode()
        if too_deep(text):
            raise BadRequestError(TOO_DEEP, at="$")
        data = json.loads(text)
        if "\\u" in text:  # half a surrogate pair, spelled so, could not even be named in the answer
            json.dumps(data, ensure_ascii=False).encode()
    except ValueError:
        raise BadRequestError("not a JSON object", at="$") from None
    if type(data) is not dict:
        raise BadRequestError("not a JSON object", at="$")
    return data


async def body_of(request: Request, kind: type[T]) -> T:
    """The body as a ``kind``. Raises BadRequestError, whose ``at`` says where it is not."""
    body = await json_object(request)
    for name in NOT_IN_A_BODY & body.keys():
        raise BadRequestError("unknown field", at=f"$.{name}")
    return codec.structure({name: value for name, value in body.items() if value is not None}, kind)


def answer(payload: Struct, status: int = 200) -> Response:
    """An object as JSON."""
    return Response(msgspec.json.encode(payload), status, media_type="application/json")


def published(outcome: Outcome) -> Response:
    """What the host's command came to."""
    assert isinstance(outcome.result, Sent)
    return answer(Published(outcome.result.seq, outcome.replayed))


def game_id(request: Request) -> str:
    """The game in the path. Raises UnknownGameError for what no game can be called."""
    game: str = request.path_params["game"]
    if not ID_PATTERN.match(game):
        raise UnknownGameError(f"no game {game[:64]!r}")
    return game


def number_of(request: Request, name: str) -> int | None:
    """The number in the path, from 1; None for what is none."""
    given: str = request.path_params[name]
    number = int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else 0
    return number or None
