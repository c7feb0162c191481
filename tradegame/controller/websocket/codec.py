"""``tradegame.v1``: strict decoding of what clients send, and encoding of what they are told, from the vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from tradegame.controller.websocket.errors import DecodeError, RequestId
from tradegame.core.domain.events import Filled, Frame, Outcome, Private, Rejected
from tradegame.core.games.public_state import Stated
from tradegame.protocol import pushes
from tradegame.protocol.bounds import (
    MAX_REQUEST_ID,
    MAX_REQUEST_NUMBER,
    MIN_REQUEST_NUMBER,
    TOO_DEEP,
    encodable,
    too_deep,
)
from tradegame.protocol.errors import RULE_ERRORS, BadRequestError, TradeGameError, UnknownOpError
from tradegame.protocol.failure import Failure
from tradegame.protocol.ops import GameRequest, PlayerCommand, Request
from tradegame.protocol.requests import REQUESTS, AnyRequest
from tradegame.protocol.state import Account

T = TypeVar("T", bound=Struct)
UNSAID = frozenset({"id", "player", "by_robot"})
"""Fields of a command that no client says in its body."""
_decode: Callable[[str], Request] = msgspec.json.Decoder(AnyRequest).decode
_encode = msgspec.json.Encoder().encode


class OkReply(Struct):
    """The one reply to a request."""

    id: RequestId
    ok: Any


class FailedReply(Struct):
    """The same, when it failed. ``id`` is None for what is no request."""

    id: RequestId
    error: Failure


# Decoding


def decode(text: str) -> Request:
    """The request in a text frame. Raises DecodeError with ``bad_request`` or ``unknown_op``."""
    if too_deep(text):
        raise DecodeError(None, BadRequestError(TOO_DEEP, at="$"))
    # Else it may say what only a closer look finds.
    if "null" not in text and '"player"' not in text and "by_robot" not in text:
        try:
            request = _decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            pass
        else:
            if _is_whole(request):
                return request
    return _decode_closely(text)


def _is_whole(request: Request) -> bool:
    """What the types cannot say: a number that fits in 64 bits, a game, and nothing of whose command it is."""
    if type(request.id) is int and request.id > MAX_REQUEST_NUMBER:
        return False
    if isinstance(request, GameRequest):
        told = isinstance(request, PlayerCommand) and (request.player or request.by_robot)
        return request.game != "" and not told
    return True


def _decode_closely(text: str) -> Request:
    """The same, slowly: with the ``id``, the code and the place of what is wrong."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise DecodeError(None, BadRequestError("not a JSON object", at="$")) from None
    if type(data) is not dict:
        raise DecodeError(None, BadRequestError("not a JSON object", at="$"))
    request_id = None
    if "id" in data and not _is_request_id(request_id := data.pop("id")):
        raise DecodeError(
            None, BadRequestError(f"expected an integer or at most {MAX_REQUEST_ID} characters", at="$.id")
        )
    op = data.pop("op", None)
    if op is None:
        raise DecodeError(None, BadRequestError("the op is missing", at="$.op"))
    kind = REQUESTS.get(op) if type(op) is str else None
    if kind is None:
        raise DecodeError(request_id, UnknownOpError(f"no op {str(op)[:64]!r}", at="$.op"))
    try:
        for name, value in data.items():
            if value is None:
                raise BadRequestError("expected a value, or the field left out", at=f"$.{_shown(name)}")
        request = structure(data, kind)
    except BadRequestError as error:
        raise DecodeError(request_id, error) from None
    request.id = request_id
    return request


def structure(data: Mapping[str, Any], kind: type[T]) -> T:
    """Plain data as a ``kind``, checked. Raises BadRequestError, whose ``at`` is the path of what is wrong."""
    unknown = data.keys() - (set(kind.__struct_encode_fields__) - UNSAID)
    if unknown:
        raise BadRequestError("unknown field", at=f"$.{_shown(min(unknown))}")
    if "game" in kind.__struct_fields__ and "game" not in data:
        raise BadRequestError("required field missing", at="$.game")
    for path, text in _texts("$", data):
        if not encodable(text):
            raise BadRequestError("expected text that UTF-8 can encode", at=path)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise _what_is_wrong(str(error)) from None


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and path.count(".") < 2:  # a request is no deeper
        for name, each in value.items():
            yield f"{path}.{_shown(name)}", name
            yield from _texts(f"{path}.{_shown(name)}", each)


_PLACE = re.compile(r"(.*?)(?: - at `(\$.*)`)?", re.S)
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.S)


def _what_is_wrong(found: str) -> BadRequestError:
    """msgspec's words, with the place apart."""
    whole = _PLACE.fullmatch(found)
    assert whole is not None
    message, place = whole[1], whole[2] or "$"
    if (field := _FIELD.fullmatch(message)) is not None:
        message = "unknown field" if field[1] == "contains unknown" else "required field missing"
        place = f"{place}.{_shown(field[2])}"
    return BadRequestError(message[:1].lower() + message[1:].replace(" | null`", "`"), at=place)


def _shown(name: str) -> str:
    """A client's name for a field, as an error may repeat it."""
    return name[:64] if encodable(name[:64]) else "?"


def _is_request_id(value: object) -> bool:
    if type(value) is int:
        return MIN_REQUEST_NUMBER <= value <= MAX_REQUEST_NUMBER
    return type(value) is str and len(value) <= MAX_REQUEST_ID and encodable(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


# Encoding


def encode_reply(
    request_id: RequestId, payload: Struct | Stated | Outcome | TradeGameError
) -> bytes | tuple[bytes, ...]:
    """The one reply to a request; in pieces, if there is a state in it that others are shown, too."""
    if isinstance(payload, Outcome):
        result, replayed, keys = payload.result, payload.replayed, payload.keys
        if isinstance(result, Rejected):
            definite = RULE_ERRORS[result.code].definite
            failure = Failure(
                code=result.code,
                message=result.message,
                definite=definite,
                replayed=replayed,
                keys=keys,
                became=result.became,
                why=result.why,
            )
            return _encode(FailedReply(request_id, failure))
        told = replayed or keys is not None
        ok = msgspec.structs.replace(result, replayed=replayed, keys=keys) if told else result
        return _encode(OkReply(request_id, ok))
    if isinstance(payload, TradeGameError):
        return _encode(FailedReply(request_id, payload.failure()))
    if isinstance(payload, Stated):
        return (_encode(OkReply(request_id, payload.ok))[:-2] + b',"state":', *payload.state.pieces, b"}}")
    return _encode(OkReply(request_id, payload))


def encode_frame(game: str, epoch: str, frame: Frame) -> bytes:
    """An ``events`` frame, the same bytes for every client on every node."""
    return _encode(pushes.Events(game, epoch, frame.seq, frame.at, frame.events))


def encode_account(game: str, seq: int, account: Account) -> bytes:
    return _encode(pushes.AccountChanged(game, seq, account))


def encode_private(game: str, seq: int, at: int, told: Private) -> bytes:
    """A ``whisper``, or the ``fills`` of one player."""
    if isinstance(told, Filled):
        return _encode(pushes.Fills(game, seq, at, told.fills))
    return _encode(pushes.Whisper(game, seq, told.player, told.to, told.text, at))


def encode_presence(game: str, online: Sequence[str], offline: Sequence[str]) -> bytes:
    return _encode(pushes.Presence(game, online, offline))


def encode_device() -> bytes:
    """Another device signed in as the player."""
    return _encode(pushes.Device())


def encode_gone(game: str, epoch: str) -> bytes:
    """This life of the game is over, or this node lost it."""
    return _encode(pushes.Gone(game, epoch))
