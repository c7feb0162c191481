"""Tells those who follow a game who is online: a newcomer the whole list, the others who came and went."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from attrs import define, field

from tradegame.controller.websocket import codec
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.slices import VISITS, Slice
from tradegame.controller.websocket.subscriptions import Subscription
from tradegame.controller.websocket.wires import Wire, size_of
from tradegame.core.admission.budgets import ANSWER_BYTES
from tradegame.core.membership.presence import Presence

GATHERED_S = 0.25
NEWCOMER_S = 2.0
"""How often who came and went is told, at most; and how long a newcomer's list waits for the register."""


@define(eq=False)
class PresenceFeed:
    """``crowds`` gives who follows, by game. Only ``run`` waits."""

    presence: Presence
    crowds: Callable[[], Iterable[tuple[str, Iterable[Subscription]]]]
    _newcomers: dict[Subscription, float] = field(factory=dict, init=False)
    _gone: dict[str, dict[str, None]] = field(factory=dict, init=False)
    """By game, who went offline while somebody waits for the full list: they may have been told of them before."""
    _lists: dict[str, Wire] = field(factory=dict, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def changed(self) -> None:
        """The register has news."""
        self._changed.set()

    def came(self, subscription: Subscription) -> None:
        """It follows from now on, and has not been told who is there."""
        self._newcomers[subscription] = trio.current_time()
        self._changed.set()

    def forget(self, subscription: Subscription) -> None:
        """It no longer follows."""
        self._newcomers.pop(subscription, None)

    async def run(self) -> None:
        """Tell who came and went, gathered over a moment; and newcomers, once they are registered, who is there."""
        while True:
            with trio.move_on_after(NEWCOMER_S if self._newcomers else float("inf")):
                await self._changed.wait()
            await trio.sleep(GATHERED_S)
            self._changed = trio.Event()
            await self._tell_all()  # on its own: what it has at hand must not outlive it, while nothing changes

    async def _tell_all(self) -> None:
        deltas = self.presence.deltas()
        arrived = self._arrived()
        crowds = list(self.crowds())
        followed = {game for game, _ in crowds}
        for game in list(self._lists):
            if game in deltas or game not in followed:
                del self._lists[game]
        for game, followers in crowds:
            delta = deltas.get(game)
            if delta is not None:
                self._gone.setdefault(game, {}).update(dict.fromkeys(delta.offline))
                wire = text_frame(codec.encode_presence(game, delta.online, delta.offline))
                await self._tell([each for each in followers if each not in arrived], wire)
        by_game: dict[str, list[Subscription]] = {}
        for subscription in arrived:
            by_game.setdefault(subscription.host.id, []).append(subscription)
        for game, newcomers in by_game.items():
            everyone = self._everyone(game)
            if (size := size_of(everyone)) >= ANSWER_BYTES:
                for each in newcomers:
                    each.subscriber.client.charge(size / ANSWER_BYTES)
            await self._tell(newcomers, everyone)
        waited_for = {subscription.host.id for subscription in self._newcomers}
        for game in self._gone.keys() - waited_for:
            del self._gone[game]

    async def _tell(self, followers: list[Subscription], wire: Wire) -> None:
        """Who cannot take it now gets the full list once it can."""
        piece = Slice()
        for number, subscription in enumerate(followers):
            if subscription.over:
                continue
            if subscription.subscriber.outbox.offer(wire):
                subscription.subscriber.outbox.flush()
            else:
                self._newcomers[subscription] = trio.current_time()
            if number % VISITS == 0 and piece.over:
                await trio.lowlevel.checkpoint()
                piece = Slice()

    def _everyone(self, game: str) -> Wire:
        """The full list, and who is not on it any more; encoded once for all who come before the next change."""
        if game not in self._lists:
            online, gone = self.presence.online(game), self._gone.get(game)
            here = set(online) if gone else set()
            left = tuple(player for player in gone or () if player not in here)
            self._lists[game] = text_frame(codec.encode_presence(game, online, left))
        return self._lists[game]

    def _arrived(self) -> dict[Subscription, None]:
        """The newcomers whom the register knows by now, or who have waited long enough for it."""
        arrived: dict[Subscription, None] = {}
        now = trio.current_time()
        for subscription, since in list(self._newcomers.items()):
            known = self.presence.knows(subscription.subscriber.client.connection, subscription.host.id)
            if known or now - since >= NEWCOMER_S:
                arrived[subscription] = None
                del self._newcomers[subscription]
        return arrived
