"""What applying an entry brings forth: public events in a frame, private ones, and an outcome a command."""

from __future__ import annotations

from attrs import define, frozen

from tradegame.protocol.errors import RuleError

Level = tuple[int, int]
"""A price and the quantity that rests at it."""


@frozen
class Joined:
    player: str
    name: str


@frozen
class Traded:
    """``taker`` is ``buy`` or ``sell``: the side that did not rest."""

    good: str
    price: int
    qty: int
    buyer: str
    seller: str
    taker: str


@frozen
class BookChanged:
    """The best five levels a side, best first."""

    good: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@frozen
class Said:
    player: str
    text: str


@frozen
class RoundChanged:
    """``ends_at`` in ms since the Unix epoch; None: until the host says so.

    ``opened_at``: when it opened, if it just did. ``settled``: goods, and what each unit of them was paid.
    """

    phase: str
    round: int
    ends_at: int | None
    opened_at: int | None = None
    settled: tuple[tuple[str, int], ...] = ()


@frozen
class NewsPublished:
    text: str
    good: str | None


PublicEvent = Joined | Traded | BookChanged | Said | RoundChanged | NewsPublished


@frozen
class Whispered:
    """Private, to ``player`` and ``to``."""

    player: str
    to: str
    text: str


@frozen
class Frame:
    """Everything public that one entry did. ``seq`` rises by exactly one a frame; ``at`` is the game's clock in ms."""

    seq: int
    at: int
    events: tuple[PublicEvent, ...]


# Results are told the seq of their entry once it is known, before anyone else sees them.


@define
class Bought:
    """``cost`` without the ``fee``; ``cash`` is what is free after it."""

    filled: int
    cost: int
    fee: int
    cash: int
    seq: int


@define
class Sold:
    """``proceeds`` before the ``fee``."""

    filled: int
    proceeds: int
    fee: int
    cash: int
    seq: int


@define
class OrderPlaced:
    """``filled`` traded at once, ``resting`` rests under the id ``order``."""

    order: str
    filled: int
    resting: int
    cash: int
    seq: int


@define
class OrderCancelled:
    """What the order held is free again: ``cash`` of a bid, ``qty`` of an ask."""

    order: str
    cash: int
    qty: int
    seq: int


@define
class Accepted:
    """Done, and there is nothing to tell but where: a join, a message, the host's calls."""

    seq: int


@frozen
class Rejected:
    """A rule said no, and nothing changed."""

    code: str
    message: str

    @classmethod
    def of(cls, error: RuleError) -> Rejected:
        return cls(error.code, error.message)


Result = Bought | Sold | OrderPlaced | OrderCancelled | Accepted | Rejected


@frozen
class Outcome:
    """What a command came to. ``replayed``: its key had been seen, this is the first result again."""

    result: Result
    replayed: bool = False


@frozen
class Applied:
    """What applying one entry did.

    ``frame``: None when nothing public happened. ``outcomes``: one a command, in order. ``accounts``: the players
    whose account changed. ``whispers`` in order. ``seq`` and ``at``: the game's, after it.
    """

    seq: int
    at: int
    frame: Frame | None
    outcomes: tuple[Outcome, ...]
    accounts: tuple[str, ...]
    whispers: tuple[Whispered, ...]
