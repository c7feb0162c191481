"""What can be known of a game from its public events alone: everybody's funds, and the public state."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support import views
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.protocol.pushes import (
    AccessChanged,
    BookChanged,
    Joined,
    News,
    Removed,
    RoundChanged,
    Said,
    Trade,
    Unsaid,
)


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
    """The public state, as a client keeps it that joined at the beginning and has seen nothing but events since."""

    def __init__(self, game: Game) -> None:
        self.state = views.public_state(game.state)

    def follow(self, applied: Applied) -> None:
        state, at = self.state, applied.at if applied.frame is None else applied.frame.at
        for event in applied.frame.events if applied.frame else ():
            if isinstance(event, Joined):
                state["players"][event.player] = {"name": event.name}
            elif isinstance(event, Removed):
                del state["players"][event.player]
            elif isinstance(event, Unsaid):
                state["messages"] = [each for each in state["messages"] if each["number"] != event.number]
            elif isinstance(event, AccessChanged):
                access = {"locked": event.locked, "chat": event.chat}
                state.pop("locked", None)
                state.pop("chat", None)
                state |= {name: value for name, value in access.items() if value != (name == "chat")}
            elif isinstance(event, Trade):
                good = state["goods"][event.good]
                good["last"] = event.price
                good["volume"] += event.qty
                good["recent"] = [*good["recent"], [at, event.price, event.qty]][-200:]
            elif isinstance(event, BookChanged):
                good = state["goods"][event.good]
                bids, asks = [list(level) for level in event.bids], [list(level) for level in event.asks]
                assert (good["bids"], good["asks"]) != (bids, asks)
                good["bids"], good["asks"] = bids, asks
            elif isinstance(event, Said):
                message = {"player": event.player, "text": event.text, "at": at, "number": event.number}
                state["messages"] = [*state["messages"], message][-50:]
            elif isinstance(event, RoundChanged):
                state["phase"], state["round"], state["ends_at"] = event.phase, event.round, event.ends_at
                if event.opened_at is not None:
                    state["opened_at"] = event.opened_at
                state["settled"] = dict(event.settled)
            elif isinstance(event, News):
                state["news"] = [*state["news"], {"text": event.text, "good": event.good, "at": at}][-20:]
