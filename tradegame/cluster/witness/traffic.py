"""All witnesses and spectators: the load, and the proof."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from tradegame.client import RoundChanged, Trade
from tradegame.client.vocabulary import PublicEvent
from tradegame.cluster.log import Log
from tradegame.cluster.witness.ledger import Ledger
from tradegame.cluster.witness.spectator import Spectator
from tradegame.cluster.witness.tape import Tape
from tradegame.cluster.witness.timings import Timings
from tradegame.cluster.witness.witness import Witness

LOOK_EVERY_S = 0.5
ROAMING = 2
TOGETHER_S = 1.0
"""Failovers this close together are logged in one line."""
MOST_A_CLIENT = 12.0
"""Commands a second. A player may send 20; some of them are spent on checks."""


class Traffic:
    """``clients`` witnesses, which together send ``rate`` commands a second; one spectator pinned to each node, and two
    that go wherever they can.
    """

    def __init__(self, clients: int, rate: float, log: Log) -> None:
        self.ledger = Ledger()
        self.tape = Tape(self.ledger, self._show)
        self.timings = Timings()
        self._log = log
        each = min(MOST_A_CLIENT, rate / max(1, clients))
        self.witnesses = [Witness(n, each, self.ledger, self.timings, log) for n in range(1, clients + 1)]
        self.spectators: list[Spectator] = []
        self._by_player: dict[str, Witness] = {}
        self._over = trio.Event()
        self._done = trio.Event()
        self.left_unanswered = 0
        """Commands still unanswered when ``finish`` stopped waiting."""
        self.deserted = False
        """Set by ``finish`` if no node served any witness at the end."""

    @property
    def acknowledged(self) -> int:
        return sum(witness.acknowledged for witness in self.witnesses)

    @property
    def failovers(self) -> int:
        return sum(witness.failovers for witness in self.witnesses)

    @property
    def unanswered(self) -> int:
        """Commands under way now."""
        return sum(witness.waits_since is not None for witness in self.witnesses)

    @property
    def checked(self) -> int:
        """Effects found exactly where they should be, plus orders found in their accounts."""
        return self.ledger.checked + sum(witness.orders.checked for witness in self.witnesses)

    @property
    def wrong(self) -> bool:
        return bool(self.ledger.lost or self.ledger.doubled)

    async def run(self, urls: Sequence[str], game_id: str) -> None:
        """Run until cancelled. ``urls``: of all nodes, alive or not. Witnesses start once every spectator follows."""
        tape, log = self.tape, self._log
        self.spectators = [
            *(Spectator(f"on-node{n}", [url], tape, log, pinned=True) for n, url in enumerate(urls, 1)),
            *(Spectator(f"spectator-{n + 1}", _from(urls, n), tape, log, pinned=False) for n in range(ROAMING)),
        ]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look)
            for spectator in self.spectators:
                nursery.start_soon(spectator.run, game_id)
            for spectator in self.spectators:
                await spectator.follows.wait()
            async with trio.open_nursery() as playing:
                for witness in self.witnesses:
                    playing.start_soon(witness.run, _from(urls, witness.number), game_id, self._head, self._over)
            self._done.set()

    async def until_all_play(self) -> None:
        """Until every witness has joined."""
        for witness in self.witnesses:
            await witness.plays.wait()

    async def finish(self, seconds: float, *, patient: bool) -> None:
        """Send no new commands; wait up to ``seconds`` for answers, and for the frames that were acknowledged.

        ``patient``: what is not seen by then counts as lost, unless there was no node to show it.
        """
        served = any(witness.connected for witness in self.witnesses)
        self._over.set()
        with trio.move_on_after(seconds):
            await self._done.wait()
            while self.ledger.waiting:  # noqa: ASYNC110 - a look now and then is enough, at the very end
                await trio.sleep(0.1)
        for spectator in self.spectators:
            spectator.frames.flush()
        self.left_unanswered = self.unanswered  # before witnesses are cancelled, which ends their waiting
        self.deserted = bool(self.left_unanswered) and not served
        self.ledger.close(patient and not self.deserted)

    def _head(self) -> int:
        return self.tape.head

    def _show(self, _: int, events: Sequence[PublicEvent]) -> None:
        """A frame, once. Fills the resting orders that it took."""
        if len(self._by_player) < len(self.witnesses):
            self._by_player = {witness.player: witness for witness in self.witnesses if witness.player}
        for event in events:
            match event:
                case Trade():
                    buys = event.taker == "buy"
                    maker = self._by_player.get((event.seller if buys else event.buyer) or "")
                    if maker is not None:
                        maker.orders.filled(event.good, "ask" if buys else "bid", event.price, event.qty)
                case RoundChanged():
                    for witness in self.witnesses:
                        witness.orders.new_round()
                case _:
                    pass

    def _moved(self, count: int) -> str:
        waits = [wait for witness in self.witnesses for wait in witness.moves]
        for witness in self.witnesses:
            witness.moves.clear()
        longest = f"; the longest wait was {max(waits):.2f} s" if waits else ""
        return f"{count} went on at another node{longest}"

    async def _look(self) -> None:
        """Now and then: complete frames, growing waits, failovers, new findings."""
        failovers, told, found = 0, 0.0, 0
        while True:
            await trio.sleep(LOOK_EVERY_S)
            now = trio.current_time()
            for spectator in self.spectators:
                spectator.frames.idle()
            for witness in self.witnesses:
                if witness.waits_since is not None:
                    self.timings.waits(now - witness.waits_since)
            if self.failovers > failovers and now - told > TOGETHER_S and all(w.connected for w in self.witnesses):
                self._log.add("clients", self._moved(self.failovers - failovers))
                failovers, told = self.failovers, now
            if (total := self.ledger.lost + self.ledger.doubled) > found:
                for finding in list(self.ledger.findings)[-(total - found) :]:
                    self._log.add("checker", finding, "error")
                found = total


def _from(urls: Sequence[str], first: int) -> list[str]:
    """All URLs in a circle, starting with the ``first``."""
    return [*urls[first % len(urls) :], *urls[: first % len(urls)]]
