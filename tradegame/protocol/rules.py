"""What players may know of a game's definition, and what is different in a round."""

from __future__ import annotations

from msgspec import Struct, field

from tradegame.protocol.bounds import DISCONNECT_GRACE_S, Coins, Count, GoodId, Price, Source, Units


class RoundRules(Struct, omit_defaults=True):
    """The phases of a round in seconds, and how many rounds there are; 0 for no end."""

    lobby_s: Count
    open_s: Count
    closed_s: Count
    repeat: Count


class GoodRules(Struct, omit_defaults=True):
    """What of a good's definition players may know. `settlement`: the values of which one is paid at the close.

    `mark`: what units count for at the close; none where they have private values.
    """

    endowment: Units
    house: bool
    private_values: bool
    settlement: tuple[Coins, ...] | None
    mark: Source | None = None


class Question(Struct, omit_defaults=True):
    """A question of the quiz after the instructions, and what may be answered. Which is right, the host knows."""

    text: str
    choices: tuple[str, ...]


class Rules(Struct, omit_defaults=True):
    """What of a game's definition players may know. `rounds`: null where there is no clock.

    `anonymous`: trades name nobody, and each player is told of their own alone. `disconnect_grace_s`: how long the
    orders of those stay who chose `cancel_on_disconnect`, once they have no connection. `practice`: a round of the
    number 0 comes first, which counts for nothing. `quiz`: see `ready`; `quiz_first`: nobody trades before they have
    answered all of it rightly.
    """

    cash: Coins
    fee_bps: Count
    open_orders: Count
    rounds: RoundRules | None
    goods: dict[GoodId, GoodRules]
    anonymous: bool = False
    disconnect_grace_s: Count = DISCONNECT_GRACE_S
    practice: bool = False
    quiz: tuple[Question, ...] = ()
    quiz_first: bool = False


class GoodTerms(Struct, omit_defaults=True):
    """Of a good, in this round: coins a unit that whoever buys pays, and whoever sells, besides the price.

    Orders below `floor` or above `ceiling` are `outside_price_limits`.
    """

    buyer_tax: Coins = 0
    seller_tax: Coins = 0
    floor: Price | None = None
    ceiling: Price | None = None


class Treatment(Struct, omit_defaults=True):
    """What is different in this round: the taker's fee, if it is not that of the `rules`, and the terms of goods."""

    fee_bps: Count | None = None
    goods: dict[GoodId, GoodTerms] = field(default_factory=dict)
