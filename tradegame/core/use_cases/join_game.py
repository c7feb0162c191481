"""Join and leave: an account, the present state or the missed frames, and everything that follows."""

from __future__ import annotations

from collections.abc import Awaitable

import trio
from attrs import frozen

from tradegame.core.admission.budgets import ANSWER_BYTES, MISSED_FRAMES
from tradegame.core.domain import views
from tradegame.core.domain.events import Rejected
from tradegame.core.domain.groups import group_of
from tradegame.core.domain.moderation import check_admission, is_admitted
from tradegame.core.domain.robots import NO_SEAT
from tradegame.core.games.host import GameHost
from tradegame.core.games.public_state import Stated
from tradegame.core.games.service import GameService
from tradegame.core.repositories import StoreUnavailableError
from tradegame.core.use_cases.clients import Audience, Client, Reply
from tradegame.core.use_cases.sessions import SessionService
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol import labels
from tradegame.protocol.commands import Join, Remove
from tradegame.protocol.errors import NotAdmittedError, UnavailableError, UnknownGameError
from tradegame.protocol.names import skeleton
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Following, Left
from tradegame.protocol.requests import JoinRequest, LeaveRequest

CATCH_UP_S = 4.0
PAUSE_S = 0.1
"""How long a client waits for this node to catch up, and how often a silent store is asked."""


@frozen
class JoinGameUseCase:
    games: GameService
    log: SubmitUseCase
    audience: Audience
    sessions: SessionService

    def join(self, client: Client, request: JoinRequest, reply: Reply) -> Awaitable[None]:
        """Open an account if there is none, then answer and subscribe in one go, so that no frame is missed.

        The state shown is the present: it contains everything that any node had answered to anybody before this join
        was sent. What a resume sends again is paid for at once: what comes in on other connections meanwhile must not
        pass before it.
        """
        host = self.games.host(request.game)
        if (known := _known(request, host)) is not None:
            missed = host.game.state.seq - known
            client.charge(missed / MISSED_FRAMES + host.history.bytes_after(known) / ANSWER_BYTES)
        return self._route(client, request, reply, host)

    def _route(self, client: Client, request: JoinRequest, reply: Reply, host: GameHost) -> Awaitable[None]:
        state = host.game.state
        assert client.signed_in is not None
        opens = client.player not in state.players and not request.spectate
        if opens and client.robot:
            raise NotAdmittedError(NO_SEAT)
        if opens and not is_admitted(state, client.player):
            return self._refuse(client, request, reply, host)
        if client.signed_in.player.guest and not request.spectate:
            return self._join_as_guest(client, request, reply)
        through_the_log = opens or request.key is not None or _changes(client, request, host)
        if request.spectate or client.robot or not through_the_log:
            return self._join_present(client, request, reply, host)
        return self._join(client, request, reply, host)

    async def _refuse(self, client: Client, request: JoinRequest, reply: Reply, host: GameHost) -> None:
        """As of now, if it is still so: whoever asks again and again adds nothing to the log."""
        await self._catch_up(host)
        check_admission(host.game.state, client.player)
        await self._route(client, request, reply, self.games.host(request.game))

    async def _join_as_guest(self, client: Client, request: JoinRequest, reply: Reply) -> None:
        """Make the session last before there is an account: an account must not be lost with a short session."""
        assert client.signed_in is not None
        client.signed_in = await self.sessions.keep(client.signed_in)
        await self._route(client, request, reply, self.games.host(request.game))

    def leave(self, client: Client, request: LeaveRequest, reply: Reply) -> None:
        self.games.host(request.game)
        self.audience.unfollow(client, request.game)
        reply(Left())

    async def _join_present(self, client: Client, request: JoinRequest, reply: Reply, host: GameHost) -> None:
        """Nobody is taken back in time: a client that saw more on another node waits until this one has caught up. A
        client ahead of the store itself (an older backup?) gets what there is.
        """
        with trio.move_on_after(CATCH_UP_S) as waiting:
            await self._catch_up(host)
        if waiting.cancelled_caught:
            raise UnavailableError("this node is not up to date")
        host = self.games.host(request.game)
        if _changes(client, request, host):
            await self._join(client, request, reply, host)
        else:
            self._show(client, request, reply, host, replayed=False)

    async def _catch_up(self, host: GameHost) -> None:
        while True:
            try:
                await host.catch_up()
            except StoreUnavailableError:
                await trio.sleep(PAUSE_S)
            else:
                return

    async def _join(self, client: Client, request: JoinRequest, reply: Reply, host: GameHost) -> None:
        """Through the log: what is shown is as new as this node's own entry. Awaited, so that the client's next
        commands find the account.
        """
        assert client.signed_in is not None
        state, team = host.game.state, ""
        entrance = await self._entrance(client, host) if client.player not in state.players else host
        name, seat = client.signed_in.player.name, client.signed_in.player.seat
        look = skeleton(name)
        sits = seat is not None and (seat.game, seat.epoch) == (entrance.id, entrance.meta.epoch)
        label = seat.label if seat is not None and sits else ""
        if entrance is not host and (listed := entrance.game.state.seating.get(labels.look(label))) is not None:
            team = listed.team
        command = Join(
            player=client.player,
            key=request.key,
            since=request.since,
            epoch=request.epoch,
            name=name,
            skeleton="" if look == name else look,
            label=label,
            look=labels.look(label),
            team=team,
            robot=client.signed_in.player.robot,
            cancel_on_disconnect=request.cancel_on_disconnect,
        )
        outcome = await self.log.execute(request.game, command)
        if isinstance(outcome.result, Rejected):
            reply(outcome)
            return
        if entrance is not host:
            await self._look_again(client, host)
        if host.running:
            self._show(client, request, reply, host, replayed=outcome.replayed)
        else:
            raise UnavailableError("the game ended before it answered")

    async def _entrance(self, client: Client, host: GameHost) -> GameHost:
        """The game by which one gets to this one: another one if this is a group.

        Raises NotAdmittedError for whoever the entrance did not send here, and UnavailableError.
        """
        group = host.game.state.definition.group
        if group is None:
            return host
        try:
            entrance = self.games.host(group.of)
        except UnknownGameError:
            raise NotAdmittedError(why("entrance_gone", entrance=group.of)) from None
        with trio.move_on_after(CATCH_UP_S) as waiting:
            await self._catch_up(entrance)
        if waiting.cancelled_caught:
            raise UnavailableError("this node is not up to date")
        if group_of(entrance.game.state, client.player) != host.id:
            raise NotAdmittedError(why("enter_by_entrance", entrance=group.of))
        return entrance

    async def _look_again(self, client: Client, host: GameHost) -> None:
        """The host may have given the player another group since: then there is no account here. Raises as before."""
        try:
            await self._entrance(client, host)
        except NotAdmittedError:
            await self.log.execute(host.id, Remove(account=client.player, moved=True))
            raise

    def _show(self, client: Client, request: JoinRequest, reply: Reply, host: GameHost, *, replayed: bool) -> None:
        state, known = host.game.state, _known(request, host)
        recovered = known is not None
        known = state.seq if known is None else known
        me = None if request.spectate else views.account(state, client.player)
        ok = Following(host.id, state.epoch, known, recovered, me=me, replayed=replayed)
        reply(ok if recovered else Stated(ok, host.shown.encoded(state)))
        self.audience.follow(client, host, known, plays=not request.spectate and not client.robot)


def _changes(client: Client, request: JoinRequest, host: GameHost) -> bool:
    """Whether it changes what the player chose before, or takes the seat back from a robot: through the log."""
    if request.spectate or client.robot:
        return False
    state, player = host.game.state, client.player
    return player in state.seats or request.cancel_on_disconnect not in (None, player in state.cancel_on_disconnect)


def _known(request: JoinRequest, host: GameHost) -> int | None:
    """The frame after which the client can go on from what it has; None: it gets the whole state."""
    state, after = host.game.state, request.after
    resumes = after is not None and after.epoch == state.epoch and host.history.leads_from(after.seq, state.seq)
    return after.seq if after is not None and resumes else None
