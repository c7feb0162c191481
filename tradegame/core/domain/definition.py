"""What a host defines: a game, its goods, the house, rounds and news. A ``[[games]]`` table of config.toml."""

from __future__ import annotations

from typing import Annotated, Any

from attrs import asdict, frozen

from tradegame.core.domain.bounds import IDENTIFIER, length, within
from tradegame.protocol.bounds import (
    CHOICES,
    DISCONNECT_GRACE_S,
    MAX_PRICE,
    MAX_QTY,
    NEWS_LENGTH,
    QUESTIONS,
    SHIFT_BPS,
    MarkKind,
)

RULES_VERSION = 3
"""The version of the rules that a new game is played by."""
RULES_KNOWN = (3,)
"""A game is played on by the rules that it was made with; one of any other version is not served."""

MAX_UNITS = 20
"""The most units of a good that one player has private values for."""
MAX_PLAYERS = 20_000
"""The most accounts that a game has, if its host does not say otherwise."""
ROUND_CHANGE = 500_000
"""What a round that opens or closes may cost: 50 ms. To go through an account costs 10, 1 more with each good, and with
private values 15 and 2 for each unit.
"""
MAX_FUNDS = 1_000_000_000_000_000
"""The most coins or units that one account is endowed with."""
TITLE_LENGTH = 100
MAX_GROUPS = 20
"""The most games that one definition makes."""

RESERVED_PLAYERS = ("house", "fees", "mint")

Id = Annotated[str, IDENTIFIER]
Price = Annotated[int, within(1, MAX_PRICE)]
Value = Annotated[int, within(0, MAX_PRICE)]
Funds = Annotated[int, within(0, MAX_FUNDS)]
Seconds = Annotated[int, within(0, 31_536_000)]
NewsText = Annotated[str, length(1, NEWS_LENGTH)]
ShiftBps = Annotated[int, within(*SHIFT_BPS)]
Schedule = Annotated[tuple[Value, ...], length(1, MAX_UNITS, "units")]
Schedules = Annotated[tuple[Schedule, ...], length(0, 1_000, "lists")]
FeeBps = Annotated[int, within(0, 10_000)]
GroupName = Annotated[str, length(1, 32)]
RoundNumber = Annotated[int, within(1, 1_000_000)]
Shift = Annotated[int, within(-MAX_PRICE, MAX_PRICE)]


@frozen(kw_only=True)
class HouseDefinition:
    """How the house makes a market in one good.

    It quotes ``levels`` bids and asks of ``size`` units, at least ``step`` coins apart, ``spread`` around a mid price,
    anew every ``tick_s`` seconds. The mid moves with its stock around the anchor, ``slope`` times as fast as the
    stock moves around ``target``; the anchor takes a random walk of at most ``drift_bps`` basis points a tick.
    """

    anchor: Price
    spread: Price = 2
    step: Price = 1
    levels: Annotated[int, within(1, 50)] = 5
    size: Annotated[int, within(1, MAX_QTY)] = 20
    stock: Funds = 1_000
    cash: Funds = 100_000
    target: Annotated[int, within(1, MAX_FUNDS)] = 1_000
    slope: Annotated[int, within(0, 1_000)] = 1
    tick_s: Annotated[int, within(1, 86_400)] = 2
    drift_bps: Annotated[int, within(0, 5_000)] = 50


@frozen(kw_only=True)
class SettlementDefinition:
    """A good that is paid at the close, at one of ``values`` that is drawn when the round opens.

    At each of ``hints_at_s``, in seconds after the opening, every player is told in private of one more value that it
    is not. There are at least two hints fewer than values, so that nobody is told everything.
    """

    values: Annotated[tuple[Value, ...], length(2, 20, "values", distinct=True)]
    hints_at_s: tuple[Seconds, ...] = ()


@frozen(kw_only=True)
class GoodDefinition:
    """A good. ``endowment``: what every player begins with. Without a ``house``, players trade among themselves.

    ``mark``: what its units count for at the close, if it does not settle. None: the house's anchor; without a house,
    the bids of the last minute.
    """

    endowment: Funds = 0
    house: HouseDefinition | None = None
    settlement: SettlementDefinition | None = None
    mark: MarkKind | None = None


@frozen(kw_only=True)
class PrivateValuesDefinition:
    """A double auction in ``good`` with private values: players are buyer, seller, buyer, … as they join.

    Each has ``units`` marginal values, drawn from ``low`` to ``high`` coins, a seller also that many units. Or they are
    given: the n-th buyer has the n-th of ``values``, the n-th seller the n-th of ``costs``, from the beginning again
    where there are more. ``redraw``: anew in every round.
    """

    good: Id
    units: Annotated[int, within(1, MAX_UNITS)] = 3
    low: Value = 20
    high: Price = 180
    values: Schedules = ()
    costs: Schedules = ()
    redraw: bool = False


@frozen(kw_only=True)
class RoundsDefinition:
    """Rounds by the clock: a lobby, an open and a closed phase, in seconds; 0 skips the lobby or the closed phase.

    ``repeat`` is the number of rounds, 0 for no end. After the last one the game stays closed.
    """

    open_s: Annotated[int, within(1, 31_536_000)]
    lobby_s: Seconds = 0
    closed_s: Seconds = 0
    repeat: Annotated[int, within(0, 1_000_000)] = 1


@frozen(kw_only=True)
class NewsDefinition:
    """News at a set time: ``at_s`` seconds after each round opens (without rounds: after the game begins).

    Or up to ``jitter_s`` seconds later, drawn anew for each round. ``anchor_bps`` shifts the anchor of ``good`` by that
    many basis points; above -10 000.
    """

    at_s: Seconds
    jitter_s: Seconds = 0
    text: NewsText
    good: Id | None = None
    anchor_bps: ShiftBps = 0


@frozen(kw_only=True)
class TreatmentDefinition:
    """What is different from round ``from_round`` to ``to_round``, both included; None: until the end.

    ``buyer_tax`` and ``seller_tax``: coins for each unit that a side trades; orders below ``floor`` or above
    ``ceiling`` are refused: all in ``good``, None for each. ``fee_bps``: the taker's fee. ``demand_shift`` and
    ``supply_shift`` are added to each private value, and each cost, which stay at least 0; ``values`` and ``costs`` are
    lists instead of those of the private values. What is left out stays as it is. ``text``: news at each opening.
    """

    from_round: RoundNumber
    to_round: RoundNumber | None = None
    text: Annotated[str, length(0, NEWS_LENGTH)] = ""
    fee_bps: FeeBps | None = None
    good: Id | None = None
    buyer_tax: Value | None = None
    seller_tax: Value | None = None
    floor: Price | None = None
    ceiling: Price | None = None
    demand_shift: Shift | None = None
    supply_shift: Shift | None = None
    values: Schedules = ()
    costs: Schedules = ()


@frozen
class GroupDefinition:
    """One game of several: the id of the one by which all are entered, and the group's name."""

    of: Id
    name: GroupName


@frozen(kw_only=True)
class QuestionDefinition:
    """A question of the quiz after the instructions. ``right``: the place of the right one of ``choices``, from 0."""

    text: Annotated[str, length(1, 500)]
    choices: Annotated[tuple[Annotated[str, length(1, 200)], ...], length(2, CHOICES, "choices", distinct=True)]
    right: Annotated[int, within(0, CHOICES - 1)]


@frozen(kw_only=True)
class GameDefinition:
    """A game. ``cash``: every player's endowment; ``fee_bps``: the taker's fee; ``open_orders``: a player's cap.

    ``max_players``: so many accounts at most, which are kept for the game's life; None: as many as a round change goes
    through in time. ``about`` tells the players what it is about. ``wait_for_host``: its first lobby has no end but the
    host's word, with and without ``rounds``. ``news_a_round``: so many of ``news`` come, drawn anew for each round; 0
    for all. ``anonymous``: who traded is told to the two alone. ``disconnect_grace_s``: how long orders stay whose
    player chose `cancel_on_disconnect`, and left.
    ``practice``: a round of the number 0 comes first, which counts for nothing.
    ``quiz``: what players are asked after the instructions; ``quiz_first``: nobody trades before all of it is answered
    rightly. ``groups``: the names of as many games that are made with it, by its definition: it is not played, but puts
    each player into one of them. ``group``: it is one of those.
    """

    id: Id
    title: Annotated[str, length(0, TITLE_LENGTH)] = ""
    about: Annotated[str, length(0, 2_000)] = ""
    cash: Funds = 10_000
    fee_bps: FeeBps = 0
    open_orders: Annotated[int, within(0, 1_000)] = 50
    max_players: Annotated[int, within(1, 100_000)] | None = None
    goods: Annotated[dict[Id, GoodDefinition], length(1, 100, "goods")]
    rounds: RoundsDefinition | None = None
    news: Annotated[tuple[NewsDefinition, ...], length(0, 1_000, "items")] = ()
    news_a_round: Annotated[int, within(0, 1_000)] = 0
    private_values: PrivateValuesDefinition | None = None
    practice: bool = False
    treatments: Annotated[tuple[TreatmentDefinition, ...], length(0, 20, "treatments")] = ()
    wait_for_host: bool = False
    anonymous: bool = False
    disconnect_grace_s: Annotated[int, within(5, 3_600)] = DISCONNECT_GRACE_S
    quiz: Annotated[tuple[QuestionDefinition, ...], length(0, QUESTIONS, "questions")] = ()
    quiz_first: bool = False
    groups: Annotated[tuple[GroupName, ...], length(0, MAX_GROUPS, "groups")] = ()
    group: GroupDefinition | None = None

    @property
    def in_time(self) -> int:
        """For how many players a round change holds nobody up."""
        cost = 10 + len(self.goods)
        if (private := self.private_values) is not None:
            cost += 15 + 2 * max([private.units, *map(len, private.values + private.costs)])
        return ROUND_CHANGE // cost

    @property
    def most_players(self) -> int:
        """How many may have an account."""
        return min(MAX_PLAYERS, self.in_time) if self.max_players is None else self.max_players

    @property
    def values_last(self) -> bool:
        """Somebody may have the same private values in the next round as in this one, shifted or not."""
        private = self.private_values
        if private is None:
            return False
        given = bool(private.values or private.costs) or any(each.values or each.costs for each in self.treatments)
        return given or not private.redraw

    def mark_of(self, good: str) -> MarkKind | None:
        """What this good's mark is; None for the one with private values, which is worth something else to each."""
        if self.private_values is not None and self.private_values.good == good:
            return None
        return self.goods[good].mark or ("bid" if self.goods[good].house is None else "anchor")


def to_json(definition: GameDefinition) -> dict[str, Any]:
    """Plain JSON data that ``from_json`` reads back."""
    data = asdict(definition)
    data["news"], data["treatments"] = list(data["news"]), list(data["treatments"])
    data["quiz"] = [{**question, "choices": list(question["choices"])} for question in data["quiz"]]
    groups, group = list(data.pop("groups")), data.pop("group")
    if groups or group:  # the chain of each log begins with this text: it is the same where there are none
        data |= {"groups": groups, "group": group}
    for given in (data["private_values"], *data["treatments"]):
        if given is not None:
            given["values"], given["costs"] = [list(v) for v in given["values"]], [list(v) for v in given["costs"]]
    for fields in data["goods"].values():
        if fields["settlement"] is not None:
            fields["settlement"] = {name: list(value) for name, value in fields["settlement"].items()}
    return data


def from_json(data: dict[str, Any]) -> GameDefinition:
    """A definition from ``to_json``'s data, which was checked when it was made."""
    goods = {
        good: GoodDefinition(
            endowment=fields["endowment"],
            house=None if fields["house"] is None else HouseDefinition(**fields["house"]),
            settlement=_settlement(fields["settlement"]),
            mark=fields["mark"],
        )
        for good, fields in data["goods"].items()
    }
    rounds = None if data["rounds"] is None else RoundsDefinition(**data["rounds"])
    news = tuple(NewsDefinition(**item) for item in data["news"])
    private_values = None
    if data["private_values"] is not None:
        private_values = PrivateValuesDefinition(**_with_schedules(data["private_values"]))
    treatments = tuple(TreatmentDefinition(**_with_schedules(item)) for item in data["treatments"])
    quiz = tuple(QuestionDefinition(**{**item, "choices": tuple(item["choices"])}) for item in data["quiz"])
    group = None if data.get("group") is None else GroupDefinition(**data["group"])
    groups = {"groups": tuple(data.get("groups", ())), "group": group}
    made = {"goods": goods, "rounds": rounds, "news": news, "private_values": private_values, "treatments": treatments}
    return GameDefinition(**{**data, **made, **groups, "quiz": quiz})


def _settlement(data: dict[str, Any] | None) -> SettlementDefinition | None:
    if data is None:
        return None
    return SettlementDefinition(values=tuple(data["values"]), hints_at_s=tuple(data["hints_at_s"]))


def _with_schedules(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, **{name: tuple(tuple(schedule) for schedule in data[name]) for name in ("values", "costs")}}
