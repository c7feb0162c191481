"""Join and leave: an account, the present state or the missed frames, and all that follows."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import trio
from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.domain.commands import Join
from tradegame.core.domain.errors import TradeGameError, UnavailableError
from tradegame.core.domain.events import Outcome, Rejected
from tradegame.core.use_cases.clients import Audience, ClientSession, Reply
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.games import GameService
from tradegame.core.use_cases.requests import JoinRequest, LeaveRequest

CATCH_UP_S = 2.0
"""How long a client that was further ahead, on another node, waits for this one to catch up."""


@frozen
class JoinGameUseCase:
    games: GameService
    audience: Audience

    def join(self, client: ClientSession, request: JoinRequest, reply: Reply) -> Awaitable[None] | None:
        """Open an account if there is none, then answer and subscribe in one go, so that no frame is missed."""
        host, after = self.games.host(request.game), request.after
        state = host.game.state
        if after is not None and after.epoch == state.epoch and after.seq > state.seq:
            return self._join_later(client, request, reply, host, after.seq)
        return self._join(client, request, reply, host)

    def leave(self, client: ClientSession, request: LeaveRequest, reply: Reply) -> None:
        self.games.host(request.game)
        self.audience.unfollow(client, request.game)
        reply({})

    async def _join_later(
        self, client: ClientSession, request: JoinRequest, reply: Reply, host: GameHost, seq: int
    ) -> None:
        with trio.move_on_after(CATCH_UP_S):
            await host.wait_for(seq)
        if host.game.state.seq < seq and await host.is_behind():
            # Nobody is taken back in time. Who is ahead of the store itself (an older backup?) gets what there is.
            raise UnavailableError("this node has not caught up with what you have seen", retry_after_ms=500)
        joining = self._join(client, request, reply, self.games.host(request.game))
        if joining is not None:
            await joining

    def _join(
        self, client: ClientSession, request: JoinRequest, reply: Reply, host: GameHost
    ) -> Awaitable[None] | None:
        """What opens an account is waited for, so that what the client sends behind it finds the account there."""
        player = host.game.state.players.get(client.player)
        if request.spectate or (player is not None and request.key is None):
            self._show(client, request, reply, host, replayed=False)
            return None
        answered = trio.Event()
        assert client.signed_in is not None
        command = Join(player=client.player, key=request.key, name=client.signed_in.player.name)

        def joined(outcome: Outcome | TradeGameError) -> None:
            client.in_flight -= 1
            answered.set()
            if isinstance(outcome, TradeGameError) or isinstance(outcome.result, Rejected):
                reply(outcome)
            else:
                self._show(client, request, reply, host, replayed=outcome.replayed)

        host.submit(command, joined)
        client.in_flight += 1
        return answered.wait()

    def _show(
        self, client: ClientSession, request: JoinRequest, reply: Reply, host: GameHost, *, replayed: bool
    ) -> None:
        state, after = host.game.state, request.after
        missed = None
        if after is not None and after.epoch == state.epoch:
            missed = host.history.since(after.seq, state.seq)
        ok: dict[str, Any] = {
            "game": host.id,
            "epoch": state.epoch,
            "seq": state.seq if missed is None or after is None else after.seq,
            "recovered": missed is not None,
        }
        if missed is None:
            ok["state"] = views.public_state(state)
        if not request.spectate:
            ok["me"] = views.account(state, client.player)
        if replayed:
            ok["replayed"] = True
        reply(ok)
        self.audience.follow(client, host, missed or ())
