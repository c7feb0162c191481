"""``tradegame.v1``: strict decoding of what clients send, and encoding of what they are told.

Decoding coerces nothing: see ``strict``. Encoding is written out where it is hot: ids and numbers need no escaping,
texts do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from attrs import frozen

from tradegame.controller.websocket import strict
from tradegame.core.domain.bounds import encodable
from tradegame.core.domain.events import (
    BookChanged,
    Bought,
    Frame,
    Joined,
    NewsPublished,
    OrderCancelled,
    OrderPlaced,
    Outcome,
    PublicEvent,
    Rejected,
    RoundChanged,
    Said,
    Sold,
    Traded,
    Whispered,
)
from tradegame.core.use_cases.public_state import Encoded
from tradegame.core.use_cases.requests import REQUESTS, Request
from tradegame.protocol.errors import RULE_ERRORS, BadRequestError, TradeGameError, UnknownOpError

RequestId = int | str | None
MIN_NUMBER, MAX_NUMBER, MAX_ID = -(2**63), 2**64 - 1, 64
"""What a request's ``id`` may be: an integer in this range, or a text of at most so many characters."""

_text = json.JSONEncoder(ensure_ascii=False).encode
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


@frozen
class Decoded:
    """A frame that was understood: its ``id`` (None: no reply wanted) and the request."""

    id: RequestId
    request: Request


class DecodeError(Exception):
    """A frame that was not: the ``id`` to answer to, and the error."""

    def __init__(self, request_id: RequestId, error: TradeGameError) -> None:
        super().__init__(error.message)
        self.id = request_id
        self.error = error


def decode(text: str) -> Decoded:
    """A request out of one text frame. Raises DecodeError with ``bad_request`` or ``unknown_op``."""
    try:
        data = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise DecodeError(None, BadRequestError("not a JSON object", at="$")) from None
    if type(data) is not dict:
        raise DecodeError(None, BadRequestError("not a JSON object", at="$"))
    request_id = None
    if "id" in data and not _is_request_id(request_id := data.pop("id")):
        raise DecodeError(None, BadRequestError("expected an integer or at most 64 characters", at="$.id"))
    op = data.pop("op", None)
    if op is None:
        raise DecodeError(None, BadRequestError("the op is missing", at="$.op"))
    kind = REQUESTS.get(op) if type(op) is str else None
    if kind is None:
        raise DecodeError(request_id, UnknownOpError(f"no op {str(op)[:64]!r}", at="$.op"))
    if None in data.values():
        name = next(name for name, value in data.items() if value is None)
        null = BadRequestError("expected a value, or the field left out", at=f"$.{strict.shown(name)}")
        raise DecodeError(request_id, null)
    try:
        return Decoded(request_id, strict.structure(data, kind))
    except BadRequestError as error:
        raise DecodeError(request_id, error) from None


def _is_request_id(value: object) -> bool:
    if type(value) is int:
        return MIN_NUMBER <= value <= MAX_NUMBER
    return type(value) is str and len(value) <= MAX_ID and encodable(value)


# Replies


def encode_reply(
    request_id: RequestId, payload: Mapping[str, Any] | Outcome | TradeGameError
) -> bytes | tuple[bytes, ...]:
    """The one reply to a request; in pieces, if there is a state in it that others are shown, too."""
    head = '{"id":null' if request_id is None else f'{{"id":{_id(request_id)}'
    if isinstance(payload, Outcome):
        return f"{head},{_outcome(payload)}}}".encode()
    if isinstance(payload, TradeGameError):
        return f'{head},"error":'.encode() + msgspec.json.encode(payload.failure()) + b"}"
    if isinstance(state := payload.get("state"), Encoded):
        rest = _json({name: value for name, value in payload.items() if value is not state})
        return (f'{head},"ok":{rest[:-1]},"state":'.encode(), *state.pieces, b"}}")
    return f'{head},"ok":{_json(payload)}}}'.encode()


def _id(request_id: int | str) -> str:
    return str(request_id) if type(request_id) is int else _text(request_id)


def _outcome(outcome: Outcome) -> str:
    result, replayed = outcome.result, ',"replayed":true' if outcome.replayed else ""
    if isinstance(result, Bought):
        return (
            f'"ok":{{"filled":{result.filled},"cost":{result.cost},"fee":{result.fee},'
            f'"cash":{result.cash},"seq":{result.seq}{replayed}}}'
        )
    if isinstance(result, Sold):
        return (
            f'"ok":{{"filled":{result.filled},"proceeds":{result.proceeds},"fee":{result.fee},'
            f'"cash":{result.cash},"seq":{result.seq}{replayed}}}'
        )
    if isinstance(result, OrderPlaced):
        return (
            f'"ok":{{"order":"{result.order}","filled":{result.filled},"resting":{result.resting},'
            f'"cash":{result.cash},"seq":{result.seq}{replayed}}}'
        )
    if isinstance(result, OrderCancelled):
        return (
            f'"ok":{{"order":"{result.order}","released":{{"cash":{result.cash},"qty":{result.qty}}},'
            f'"seq":{result.seq}{replayed}}}'
        )
    if isinstance(result, Rejected):
        definite = "true" if RULE_ERRORS[result.code].definite else "false"
        return f'"error":{{"code":"{result.code}","message":{_text(result.message)},"definite":{definite}{replayed}}}'
    return f'"ok":{{"seq":{result.seq}{replayed}}}'


# News


def encode_frame(game: str, epoch: str, frame: Frame) -> bytes:
    """An ``events`` frame, the same bytes for every client on every node."""
    events = ",".join([_EVENTS[type(event)](event) for event in frame.events])
    return (
        f'{{"push":"events","game":"{game}","epoch":"{epoch}","seq":{frame.seq},"at":{frame.at},"events":[{events}]}}'
    ).encode()


def encode_account(game: str, seq: int, account: Mapping[str, Any]) -> bytes:
    return f'{{"push":"account","game":"{game}","seq":{seq},"account":{_json(account)}}}'.encode()


def encode_whisper(game: str, seq: int, at: int, whisper: Whispered) -> bytes:
    return (
        f'{{"push":"whisper","game":"{game}","seq":{seq},"player":{_text(whisper.player)},'
        f'"to":{_text(whisper.to)},"text":{_text(whisper.text)},"at":{at}}}'
    ).encode()


def encode_presence(game: str, online: Sequence[str], offline: Sequence[str]) -> bytes:
    return f'{{"push":"presence","game":"{game}","online":{_json(online)},"offline":{_json(offline)}}}'.encode()


def encode_gone(game: str, epoch: str) -> bytes:
    """An addition that old clients may ignore: this life of the game is over, or this node lost it."""
    return f'{{"push":"gone","game":"{game}","epoch":"{epoch}"}}'.encode()


def _levels(levels: Sequence[tuple[int, int]]) -> str:
    return ",".join([f"[{price},{qty}]" for price, qty in levels])


def _traded(event: Traded) -> str:
    return (
        f'{{"type":"trade","good":"{event.good}","price":{event.price},"qty":{event.qty},'
        f'"buyer":"{event.buyer}","seller":"{event.seller}","taker":"{event.taker}"}}'
    )


def _book_changed(event: BookChanged) -> str:
    return f'{{"type":"book","good":"{event.good}","bids":[{_levels(event.bids)}],"asks":[{_levels(event.asks)}]}}'


def _joined(event: Joined) -> str:
    return f'{{"type":"joined","player":"{event.player}","name":{_text(event.name)}}}'


def _said(event: Said) -> str:
    return f'{{"type":"said","player":"{event.player}","text":{_text(event.text)}}}'


def _round_changed(event: RoundChanged) -> str:
    ends_at = "null" if event.ends_at is None else event.ends_at
    settled = f',"settled":{_json(dict(event.settled))}' if event.settled else ""
    opened_at = "" if event.opened_at is None else f',"opened_at":{event.opened_at}'
    return f'{{"type":"round","phase":"{event.phase}","round":{event.round},"ends_at":{ends_at}{opened_at}{settled}}}'


def _news(event: NewsPublished) -> str:
    good = "" if event.good is None else f',"good":"{event.good}"'
    return f'{{"type":"news","text":{_text(event.text)}{good}}}'


_EVENTS: dict[type[PublicEvent], Callable[[Any], str]] = {
    Traded: _traded,
    BookChanged: _book_changed,
    Joined: _joined,
    Said: _said,
    RoundChanged: _round_changed,
    NewsPublished: _news,
}
