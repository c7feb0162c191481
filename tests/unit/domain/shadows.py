"""What can be known of a game from its public events alone: everybody's funds, and the public state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from tests.support import views
from tradegame.client.events import public_events
from tradegame.client.state import State
from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.protocol import state as protocol
from tradegame.protocol.commands import Command, SetPhase
from tradegame.protocol.pushes import BookChanged, ClockChanged, Joined, MarkChanged, Removed, RoundChanged, Trade
from tradegame.protocol.replies import Bought, Ordered, Sold
from tradegame.protocol.requests import AnyCommand, Say

TRADING = tuple(command for command in get_args(AnyCommand) if command is not Say)
"""What may change a book."""


class Ledger:
    """What every account owns, free and held together, by the events alone.

    A fee is rounded once for a command, and so many trades are a command's as it was told. Which trades were one quote
    of the house is not public: so the house and the fees are known together, and ``unknown`` holds the least and the
    most that went from the one to the other.
    """

    def __init__(self, definition: GameDefinition) -> None:
        self.definition = definition
        self.round = 0 if definition.practice else 1
        self.phase = first_phase(definition)
        self.settled: dict[str, int] = {}
        self.unknown = (0, 0)
        self.owned: dict[str, dict[str, int]] = {}
        self.dealt: set[str] = set()
        self.exact = True
        """False after an entry that dealt to somebody and then paid: no event says which came first."""
        self.endow()

    def endow(self) -> None:
        goods = self.definition.goods
        houses = {good: fields.house for good, fields in goods.items() if fields.house}
        self.owned["fees"] = dict.fromkeys(["cash", *goods], 0)
        self.owned["house"] = {**self.owned["fees"], **{good: house.stock for good, house in houses.items()}}
        self.owned["house"]["cash"] = sum(house.cash for house in houses.values())
        self.unknown = (0, 0)
        for player in self.owned.keys() - {"house", "fees"}:
            self.join(player)
        self.dealt.clear()

    def join(self, player: str) -> None:
        self.owned[player] = dict.fromkeys(["cash", *self.definition.goods], 0)

    def follow(self, applied: Applied, dealt: Iterable[str]) -> None:
        """``dealt``: who takes part after it, which is no public event."""
        paid_at_all = False
        told = [
            outcome.result.filled
            for outcome in applied.outcomes
            if isinstance(outcome.result, Bought | Sold | Ordered) and outcome.result.filled and not outcome.replayed
        ]
        left = notional = 0
        for event in applied.frame.events if applied.frame else ():
            if isinstance(event, Joined):
                self.join(event.player)
            elif isinstance(event, Removed):
                del self.owned[event.player]
                self.dealt.discard(event.player)
            elif isinstance(event, Trade):
                taker = self.trade(event)
                if taker == HOUSE:
                    least, most = self.unknown
                    self.unknown = least, most + self.fee(event.price * event.qty)
                    continue
                if not left:
                    left, notional = told.pop(0), 0
                left -= event.qty
                notional += event.price * event.qty
                if not left:
                    self.owned[taker]["cash"] -= self.fee(notional)
                    self.owned["fees"]["cash"] += self.fee(notional)
            elif isinstance(event, RoundChanged):
                assert event.round >= self.round
                paid, self.settled = self.settled, event.settled
                for good, value in event.settled.items() - paid.items():  # paid once, however often it is told
                    paid_at_all = True
                    for owned in self.owned.values():
                        owned["cash"] += owned[good] * value
                        owned[good] = 0
                if begins(self.phase, event):
                    self.endow()
                self.round, self.phase = event.round, event.phase
        fresh = set(dealt) - self.dealt
        self.exact = not (fresh and paid_at_all)
        for player in fresh:
            self.dealt.add(player)
            self.owned[player]["cash"] += self.definition.cash
            for good, fields in self.definition.goods.items():
                self.owned[player][good] += fields.endowment

    def fee(self, notional: int) -> int:
        return (notional * self.term("fee_bps", self.definition.fee_bps) + 9_999) // 10_000

    def term(self, name: str, usual: int, good: str | None = None) -> int:
        """What holds in this round: the last that the definition says of it."""
        for each in self.definition.treatments:
            last = each.to_round or self.round
            if each.from_round <= self.round <= last and (good is None or each.good in (None, good)):
                said = getattr(each, name)
                usual = usual if said is None else said
        return usual

    def tax(self, side: str, good: str) -> int:
        """What a side pays for each unit."""
        return self.term("buyer_tax" if side == "bid" else "seller_tax", 0, good)

    def trade(self, event: Trade) -> str:
        """Who took."""
        notional = event.price * event.qty
        assert event.buyer is not None
        assert event.seller is not None
        buyer, seller = self.owned[event.buyer], self.owned[event.seller]
        buyer["cash"] -= notional
        buyer[event.good] += event.qty
        seller["cash"] += notional
        seller[event.good] -= event.qty
        for party, side in ((buyer, "bid"), (seller, "ask")):
            party["cash"] -= self.tax(side, event.good) * event.qty
            self.owned["fees"]["cash"] += self.tax(side, event.good) * event.qty
        return event.buyer if event.taker == "buy" else event.seller


def first_phase(definition: GameDefinition) -> str:
    return "lobby" if definition.wait_for_host or (definition.rounds and definition.rounds.lobby_s) else "open"


def begins(before: str, event: RoundChanged) -> bool:
    """Whether a round begins with the event, after the phase ``before``. It may have the number of the last one."""
    return event.phase != before and event.phase != "closed" and not (before == "lobby" and event.phase == "open")


class Bids:
    """The marks that closed rounds gave to goods without a house, from what the public events said of their bids.

    Written down as every change there was, and looked through second by second. ``marks``: by round, of the last one
    that closed with this number: one that nobody traded in left no result, and the next has its number. None where the
    book changed in the very entry that closed it, or where orders of players who departed were withdrawn earlier than
    in the entry that says so: no event tells of either.

    A pause counts for nothing, so all times are of a clock that stops with the game.
    """

    def __init__(self, game: Game) -> None:
        definition, state = game.state.definition, game.state
        self.goods = [good for good in definition.goods if definition.goods[good].house is None]
        self.goods = [good for good in self.goods if definition.mark_of(good) == "bid"]
        self.opened = state.opened_at if state.phase == "open" else None
        self.ends_at = state.ends_at
        self.paused_at: int | None = None
        self.idle = 0
        self.changes = {good: [(-1, 0)] for good in self.goods}
        self.marks: dict[int, dict[str, int] | None] = {}
        self.round, self.phase = state.round, state.phase
        self.late = False

    def follow(self, applied: Applied, commands: list[Command], *, late: bool) -> None:
        """``late``: orders were due to be withdrawn before this entry."""
        self.late = self.late or late
        if applied.frame is None:
            return
        at, phases = applied.frame.at, [number for number, each in enumerate(commands) if isinstance(each, SetPhase)]
        blurred = bool(phases) and any(isinstance(each, TRADING) for each in commands[: max(phases)])
        for event in applied.frame.events:
            if isinstance(event, RoundChanged):
                if self.opened is not None:
                    by_clock = self.ends_at is not None and self.ends_at <= at
                    self.close(self.ends_at if by_clock and self.ends_at is not None else at, blurred=blurred)
                self.opened, self.ends_at, self.idle = event.opened_at, event.ends_at, 0
                self.round, self.phase = event.round, event.phase
            elif isinstance(event, ClockChanged):
                if event.paused_at is None and self.paused_at is not None:
                    self.idle += at - self.paused_at
                self.paused_at, self.ends_at = event.paused_at, event.ends_at
            elif isinstance(event, BookChanged) and event.good in self.changes:
                self.changes[event.good].append((self.played(at), event.bids[0][0] if event.bids else 0))

    def played(self, at: int) -> int:
        return (at if self.paused_at is None else self.paused_at) - self.idle

    def close(self, at: int, *, blurred: bool) -> None:
        marks = {good: self.mark(changes, self.played(at)) for good, changes in self.changes.items()}
        self.marks[self.round] = None if blurred or self.late else marks
        self.late = False
        self.changes = {good: [(-1, 0)] for good in self.goods}

    def mark(self, changes: list[tuple[int, int]], at: int) -> int:
        assert self.opened is not None
        last = (at - self.opened) // 1_000
        lows = []
        for second in range(max(0, last - 59), last + 1):
            begin = self.opened + second * 1_000
            earlier = [bid for when, bid in changes if when < begin]
            lows.append(min([earlier[-1], *(bid for when, bid in changes if begin <= when < begin + 1_000)]))
        return sorted(lows)[(len(lows) - 1) // 2]


class Follower:
    """The public state, as a Python client keeps it that joined at the beginning and has seen nothing but frames since.

    So an event that the client's mirror forgets fails, and so does a change of the state that no event tells of.
    """

    def __init__(self, game: Game) -> None:
        self.state = State()
        self.state.replace(views.public_state(game.state), game.state.epoch, game.state.seq)

    def follow(self, applied: Applied) -> None:
        frame = applied.frame
        if frame is None:
            return
        for event in public_events(msgspec.json.decode(msgspec.json.encode(frame.events)), frame.seq, frame.at):
            if isinstance(event, BookChanged):
                good = self.state.goods[event.good]
                assert (good.bids, good.asks) != (event.bids, event.asks)
            elif isinstance(event, MarkChanged):
                good = self.state.goods[event.good]
                assert (good.mark, good.mark_source) != (event.mark, event.mark_source)
            self.state.apply(event)

    def shown(self) -> dict[str, Any]:
        """As `views.public_state` shows it."""
        shown = {name: getattr(self.state, name) for name in protocol.State.__struct_fields__}
        state = msgspec.convert(msgspec.json.decode(msgspec.json.encode(shown, enc_hook=list)), protocol.State)
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(state))  # what is usual is left out
        return plain
