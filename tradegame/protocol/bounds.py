"""The kinds of values: every range, pattern and length once. What is checked and what is published are the same.

A description says what a value is and its unit; clients read it.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Annotated, Literal, get_args

from msgspec import Meta

MAX_QTY = 1_000_000
MAX_PRICE = 1_000_000_000
SHIFT_BPS = (-9_999, 1_000_000)
"""What news may shift an anchor by: it stays above 0."""
TEXT_LENGTH = NEWS_LENGTH = 500
RECENT_KEPT, MESSAGES_KEPT, NEWS_KEPT = 200, 50, 20
"""The most recent trades of a good, messages and news that a state holds."""
FILLS_KEPT, ORDERS_KEPT = 50, 50
"""How many of a player's last fills in a round, and of their last orders that are done, are kept."""
KEYS_REMEMBERED = 256
"""How many keys of a player are remembered in a game, at most."""
UNANSWERED = KEYS_REMEMBERED // 2
"""How many commands of a player may be unanswered in a game, over all connections: so none goes stale on its way."""
DISCONNECT_GRACE_S = 15
"""How long the orders of a player stay who chose `cancel_on_disconnect` and has no connection; a game may differ."""
QUESTIONS, CHOICES = 10, 6
"""The most questions of a quiz, and the most choices of one."""

MIN_REQUEST_NUMBER, MAX_REQUEST_NUMBER = -(2**63), 2**64 - 1
"""The range of a request's ``id`` that is a number."""
MAX_REQUEST_ID = 64
"""The most characters of one that is a text."""
MAX_DEPTH = 32
"""How deep what a client sends is nested, at most; nothing that is asked for is half as deep."""
TOO_DEEP = f"nested deeper than {MAX_DEPTH}"
_IN_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.S)

ID_LENGTH = 32
ID = rf"^[a-z0-9][a-z0-9_-]{{0,{ID_LENGTH - 1}}}\Z"
ID_PATTERN = re.compile(ID)
_CONTROLS = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"

RESERVED_NAMES = ("house", "the house", "fees", "mint", "host", "the host", "news", "das Haus", "die Spielleitung")
"""What the game, and the pages in any of their languages, call what is no player."""

# What clients send

Qty = Annotated[int, Meta(ge=1, le=MAX_QTY, description="Whole units of a good.")]
Price = Annotated[int, Meta(ge=1, le=MAX_PRICE, description="Coins a unit.")]
Depth = Annotated[int, Meta(ge=1, le=100, description="How many levels a side, or rows; 10 if left out.")]
FillsWanted = Annotated[int, Meta(ge=1, le=FILLS_KEPT, description=f"The last so many; {FILLS_KEPT} if left out.")]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1, description="A frame's number, one more with each.")]
ShiftBps = Annotated[
    int, Meta(ge=SHIFT_BPS[0], le=SHIFT_BPS[1], description="By how many basis points an anchor is shifted.")
]
CODE_CHARACTERS = "BCDFGHJKMNPQRTVWXZ34679"
"""No vowels, so that no code is a word or a page's name, and none that looks like another of them."""
CODE_LENGTH = 4
CODE = rf"^[{CODE_CHARACTERS}]{{{CODE_LENGTH}}}\Z"
GameCode = Annotated[str, Meta(pattern=CODE, description="Four characters by which people find a game: `/CODE`.")]
LABEL_LENGTH = 64
Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LABEL_LENGTH,
        description="What the host calls somebody by, such as a student's number. Case and spaces do not count.",
    ),
]
PartLabel = Annotated[str, Meta(max_length=32, description="A text of the host's. May be empty.")]
PATTERN_LENGTH = 64
Pattern = Annotated[
    str,
    Meta(
        max_length=PATTERN_LENGTH,
        description="What numbers look like: `#` is a digit, `@` a letter, `*` either; what is in brackets may be left "
        "out; any other character is itself.",
    ),
]
SeatNumber = Annotated[int, Meta(ge=1, le=2**63 - 1, description="A seat's number in its game.")]
SEATS = 500
"""The most seats, and the most names, that a roster has."""
EntryKind = Annotated[
    Literal["open", "number", "link"],
    Meta(description="By a name alone, as if left out; by a number, which has the `pattern`; or by a personal link."),
]
DEVICE_CODE_LENGTH = 8
DEVICE_CODE_S = 60
"""How long a device code is good, in s."""
DeviceCode = Annotated[
    str,
    Meta(
        min_length=DEVICE_CODE_LENGTH,
        max_length=2 * DEVICE_CODE_LENGTH,
        description="Shown on one device and typed on another: in capitals or not; spaces and hyphens do not count.",
    ),
]
AddedSeconds = Annotated[int, Meta(ge=1, le=3_600, description="By how many seconds a phase is longer.")]
GameId = Annotated[str, Meta(pattern=ID, description="A game's id.")]
GoodId = Annotated[str, Meta(pattern=ID, description="A good's id.")]
PLAYER_ID_LENGTH = 64
_OPAQUE = Meta(min_length=1, max_length=PLAYER_ID_LENGTH)
PlayerId = Annotated[
    str, _OPAQUE, Meta(description="A player's id: nothing can be read from it. The house trades as `house`.")
]
OrderId = Annotated[str, _OPAQUE, Meta(description="An order's id: nothing can be read from it.")]
Epoch = Annotated[str, _OPAQUE, Meta(description="This life of the game: another when it is deleted and made anew.")]
MessageNumber = Annotated[int, Meta(ge=1, le=2**63 - 1, description="A message's number in its game.")]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="Exactly once: the same command sent again with the same key has one effect, and gets the first "
        "result with `replayed: true`. The same key with another payload is `key_reused`. "
        f"At most the last {KEYS_REMEMBERED} of a player and game are remembered: a copy that comes later is `stale`.",
    ),
]
Since = Annotated[
    int,
    Meta(
        ge=0,
        le=2**63 - 1,
        description="The highest `keys` that the client had been told for this `epoch` of the game when it made the "
        "command; the same in every copy. If left out, the node that takes the command in fills it in.",
    ),
]
Token = Annotated[str, Meta(min_length=1, max_length=256, description="Whoever has it is the player: a secret.")]
ClientName = Annotated[str, Meta(max_length=200, description="What the client's program calls itself.")]
PlayerName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        pattern=r"^\S(.*\S)?$",
        description="Printable characters: nothing invisible or that turns the text around; "
        f"nothing that looks like {', '.join(RESERVED_NAMES)}, or has the word robot in it.",
        extra_json_schema={"not": {"anyOf": [{"enum": list(RESERVED_NAMES)}, {"pattern": "[Rr][Oo][Bb][Oo][Tt]"}]}},
    ),
]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_LENGTH,
        pattern=f"^[^{_CONTROLS}]*$",
        description="No control characters but tab and line feed.",
    ),
]
NewsText = Annotated[str, Meta(min_length=1, max_length=NEWS_LENGTH, description="What everybody in the game reads.")]
SideName = Literal["bid", "ask"]
Side = Annotated[SideName, Meta(description="`bid` buys, `ask` sells.")]
Taker = Literal["buy", "sell"]
Became = Literal["filled", "cancelled", "met_own", "replaced", "disconnected", "round_over"]
Ending = Annotated[
    Became,
    Meta(
        description="What became of an order that is gone. `filled`: wholly traded. `cancelled`: by its player. "
        "`met_own`: withdrawn, since it stood in the way of another order of its player. `replaced`: by an amendment. "
        "`disconnected`: withdrawn, since its player was away. `round_over`: its round ended."
    ),
]
PhaseName = Literal["lobby", "open", "closed"]
PHASES: tuple[str, ...] = get_args(PhaseName)
Phase = Annotated[PhaseName, Meta(description="Orders are taken while a game is `open`.")]
Role = Literal["buyer", "seller"]
RankedBy = Annotated[
    Literal["round", "total"],
    Meta(description="`round`, the default: by what players have in this one. `total`: by the gains of all rounds."),
]
StrategyName = Literal["zero_intelligence", "market_maker", "trend_follower", "informed"]
Strategy = Annotated[StrategyName, Meta(description="What a robot trades by; what suits the game if left out.")]
ROBOTS_MOST = 100
"""How many robots the server runs in a game, at most, besides those that sit in for somebody."""
FillTo = Annotated[int, Meta(ge=0, le=200, description="Robots come until so many play; 0 for none.")]
AwaySeconds = Annotated[
    int,
    Meta(ge=5, le=3_600, description="How long somebody is away before a robot sits in by itself; never if left out."),
]
MarkKind = Literal["anchor", "bid", "book", "last"]
MarkSource = Literal["estimate", "anchor", "bid", "book", "last", "settled"]
Source = Annotated[
    MarkSource,
    Meta(
        description="Where a mark comes from. `estimate`: from the house's quotes, while a round is open. `anchor`: "
        "the house's, at the close. `bid`: the bids of the last minute. `book`: what the bids would pay. `last`: the "
        "last trade. `settled`: what a unit was paid."
    ),
]
Flag = Annotated[bool, Meta(description="False if left out.")]
Choice = Annotated[bool, Meta(description="As it was if left out; false at first.")]
Answers = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=CHOICES - 1)], ...],
    Meta(max_length=QUESTIONS, description="Of each question of the quiz the place of one of its choices, from 0."),
]
RequestId = Annotated[int, Meta(ge=MIN_REQUEST_NUMBER)] | Annotated[str, Meta(max_length=MAX_REQUEST_ID)]

# What the server sends besides: its ranges are published, and no client refuses an answer for them

_FROM_0 = {"minimum": 0}

Coins = Annotated[int, Meta(extra_json_schema=_FROM_0, description="Coins, as a whole number.")]
Balance = Annotated[int, Meta(description="Coins, as a whole number; below 0 for what was lost.")]
Units = Annotated[int, Meta(extra_json_schema=_FROM_0, description="Whole units of a good.")]
Cents = Annotated[int, Meta(extra_json_schema=_FROM_0, description="Hundredths of a coin, rounded down.")]
Keys = Annotated[
    int,
    Meta(
        extra_json_schema=_FROM_0,
        description="How many keys of this player the game has counted: `since` of the player's next commands.",
    ),
]
Count = Annotated[int, Meta(extra_json_schema=_FROM_0, description="How many.")]
RoundNumber = Annotated[
    int, Meta(extra_json_schema=_FROM_0, description="A round's number, from 1 on; 0 is a practice round.")
]
Millis = Annotated[int, Meta(extra_json_schema=_FROM_0, description="Milliseconds since the Unix epoch.")]
Bps = Annotated[int, Meta(description="Basis points: hundredths of a percent.")]
Level = tuple[int, int]
"""A price level: the price, and the quantity that rests at it."""
RecentTrade = tuple[int, int, int]
"""A trade: when, the price, the quantity."""


def encodable(text: str) -> bool:
    """False for a text with a lone surrogate, which JSON can spell and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def too_deep(text: str) -> bool:
    """Whether JSON is nested deeper than ``MAX_DEPTH``: to be asked before it is parsed.

    A parser recurses. Deep in it Python may collect garbage, and what tidies up there would fail, unseen: no finalizer
    and no callback has any stack left.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = re.sub(r"[^][{}]", "", _IN_QUOTES.sub("", text))
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0) > MAX_DEPTH
