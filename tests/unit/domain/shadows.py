"""What can be known of a game from its public events alone: everybody's funds, and the public state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.support import views
from tradegame.client.events import public_events
from tradegame.client.state import State
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.protocol import state as protocol
from tradegame.protocol.pushes import BookChanged, Joined, Removed, RoundChanged, Trade


class Ledger:
    """What every account owns, free and held together, by the events alone."""

    def __init__(self, definition: GameDefinition) -> None:
        self.definition = definition
        self.round = 1
        self.settled: dict[str, int] = {}
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
        for player in self.owned.keys() - {"house", "fees"}:
            self.join(player)
        self.dealt.clear()

    def join(self, player: str) -> None:
        self.owned[player] = dict.fromkeys(["cash", *self.definition.goods], 0)

    def follow(self, applied: Applied, dealt: Iterable[str]) -> None:
        """``dealt``: who takes part after it, which is no public event."""
        paid_at_all = False
        for event in applied.frame.events if applied.frame else ():
            if isinstance(event, Joined):
                self.join(event.player)
            elif isinstance(event, Removed):
                del self.owned[event.player]
                self.dealt.discard(event.player)
            elif isinstance(event, Trade):
                notional = event.price * event.qty
                fee = (notional * self.definition.fee_bps + 9_999) // 10_000
                assert event.buyer is not None
                assert event.seller is not None
                buyer, seller = self.owned[event.buyer], self.owned[event.seller]
                buyer["cash"] -= notional
                buyer[event.good] += event.qty
                seller["cash"] += notional
                seller[event.good] -= event.qty
                (buyer if event.taker == "buy" else seller)["cash"] -= fee
                self.owned["fees"]["cash"] += fee
            elif isinstance(event, RoundChanged):
                assert event.round >= self.round
                paid, self.settled = self.settled, event.settled
                for good, value in event.settled.items() - paid.items():  # paid once, however often it is told
                    paid_at_all = True
                    for owned in self.owned.values():
                        owned["cash"] += owned[good] * value
                        owned[good] = 0
                if event.round > self.round:
                    self.round = event.round
                    self.endow()
        fresh = set(dealt) - self.dealt
        self.exact = not (fresh and paid_at_all)
        for player in fresh:
            self.dealt.add(player)
            self.owned[player]["cash"] += self.definition.cash
            for good, fields in self.definition.goods.items():
                self.owned[player][good] += fields.endowment


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
            self.state.apply(event)

    def shown(self) -> dict[str, Any]:
        """As `views.public_state` shows it."""
        shown = {name: getattr(self.state, name) for name in protocol.State.__struct_fields__}
        state = msgspec.convert(msgspec.json.decode(msgspec.json.encode(shown, enc_hook=list)), protocol.State)
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(state))  # what is usual is left out
        return plain
