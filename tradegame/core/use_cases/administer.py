"""The host's calls: make and delete games, open and close them, announce, kick, moderate."""

from __future__ import annotations

from copy import copy

import trio
from attrs import frozen
from msgspec import structs

from tradegame.core.domain import views
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.definition_warnings import warnings
from tradegame.core.domain.events import Outcome, Rejected
from tradegame.core.domain.groups import group_ids, group_of
from tradegame.core.faults import answer_to
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.rosters import set_roster
from tradegame.core.use_cases.seats import SeatService
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.bounds import PLAYER_ID_LENGTH, StrategyName
from tradegame.protocol.commands import (
    AddTime,
    Announce,
    Command,
    Mute,
    Pause,
    Readmit,
    Remove,
    RenewSeat,
    Reveal,
    SetAccess,
    SetGroup,
    SetPhase,
    SetRobots,
    SitIn,
    Tell,
    Unsay,
)
from tradegame.protocol.errors import BadRequestError, TradeGameError, UnknownPlayerError
from tradegame.protocol.http import Made, Warned
from tradegame.protocol.reasons import why
from tradegame.protocol.seats import NewRoster

DEADLINE_S = 10.0


@frozen
class AdministerUseCase:
    """Everything here waits for the store, at most ``DEADLINE_S``: then it raises trio.TooSlowError."""

    games: GameService
    log: SubmitUseCase
    seats: SeatService

    async def create(self, definition: GameDefinition, key: str | None = None) -> Made:
        """Make a game, once for its key; returns its line of the list, and what is doubtful. Raises GameThereError,
        KeyReusedError, and EpochOverError if it was made with that key, and deleted.
        """
        with trio.fail_after(DEADLINE_S):
            host = await self.games.create(definition, key)
        doubtful = tuple(Warned(f"$.{path}", str(doubt), doubt) for path, doubt in warnings(definition))
        return Made(**structs.asdict(views.summary(host.game.state)), warnings=doubtful)

    async def delete(self, game: str, key: str | None = None) -> None:
        """Delete a game, once for its key. Raises UnknownGameError, KeyReusedError."""
        with trio.fail_after(DEADLINE_S):
            await self.games.delete(game, key)

    async def set_phase(self, game: str, wanted: SetPhase, key: str | None = None) -> Outcome:
        """``lobby``, ``open`` or ``closed``, and whether that was the last round. Once for its key."""
        return await self._execute(game, structs.replace(wanted, key=key))

    async def pause(self, game: str, *, paused: bool, key: str | None = None) -> Outcome:
        """Stop the game's clock and its trade, or let both go on. Once for its key. Raises NotOpenError."""
        return await self._execute(game, Pause(paused=paused, key=key))

    async def add_time(self, game: str, add_s: int, key: str | None = None) -> Outcome:
        """Let the phase end so many seconds later, once for its key. Raises NotOpenError."""
        return await self._execute(game, AddTime(add_s=add_s, key=key))

    async def announce(
        self, game: str, text: str, good: str | None, anchor_bps: int, key: str | None = None
    ) -> Outcome:
        """Publish news, once for its key. Raises UnknownGameError and UnknownGoodError."""
        return await self._execute(game, Announce(text=text, good=good, anchor_bps=anchor_bps, key=key))

    async def remove(self, game: str, player: str, key: str | None = None) -> Outcome:
        """Take a player's account in the game away, once for its key. Raises UnknownPlayerError."""
        return await self._execute(game, Remove(account=_known(player), key=key))

    async def readmit(self, game: str, player: str, key: str | None = None) -> Outcome:
        """Let a player who was removed join anew, once for its key. Raises UnknownPlayerError."""
        return await self._execute(game, Readmit(account=_known(player), key=key))

    async def mute(self, game: str, player: str, *, muted: bool, key: str | None = None) -> Outcome:
        """Let a player not speak, or speak again, once for its key. Raises UnknownPlayerError."""
        return await self._execute(game, Mute(account=_known(player), muted=muted, key=key))

    async def tell(self, game: str, player: str, text: str, key: str | None = None) -> Outcome:
        """Say something to one player, once for its key. Raises UnknownPlayerError."""
        return await self._execute(game, Tell(account=_known(player), text=text, key=key))

    async def set_robots(self, game: str, wanted: SetRobots, key: str | None = None) -> Outcome:
        """Let robots fill up the game, once for its key."""
        return await self._execute(game, structs.replace(wanted, key=key))

    async def sit_in(
        self, game: str, player: str, *, sits: bool, strategy: StrategyName | None, key: str | None = None
    ) -> Outcome:
        """Let a robot sit in for a player, or not any more, once for its key. Raises UnknownPlayerError."""
        return await self._execute(game, SitIn(account=_known(player), sits=sits, strategy=strategy, key=key))

    async def unsay(self, game: str, message: int, key: str | None = None) -> Outcome:
        """Delete a message, once for its key. Raises UnknownMessageError."""
        return await self._execute(game, Unsay(message=message, key=key))

    async def set_access(self, game: str, access: SetAccess, key: str | None = None) -> Outcome:
        """Lock the game, switch the chat or the reports, and the other way. Once for its key."""
        return await self._execute(game, structs.replace(access, key=key))

    async def set_roster(self, game: str, roster: NewRoster, key: str | None = None) -> Outcome:
        """Who may join. Once for its key. Raises BadRequestError for what is no roster, and for a group."""
        definition = self._entrance(game)
        return await self._execute(game, set_roster(roster, key, definition.groups))

    async def renew_seat(self, game: str, seat: int, key: str | None = None, *, barred: bool = False) -> None:
        """Let no link of before lead to a seat, and end all sessions of its player.

        Raises UnknownPlayerError, and BadRequestError for a group.
        """
        self._entrance(game)
        await self._execute(game, RenewSeat(seat=seat, barred=barred, key=key))
        with trio.fail_after(DEADLINE_S):
            await self.seats.end(game, seat)

    async def set_group(self, game: str, player: str, group: str, key: str | None = None) -> Outcome:
        """Let a player who entered here have another group, and no account in any other, once for its key.

        Raises BadRequestError for what is no group of this game, and UnknownPlayerError.
        """
        account, groups = _known(player), group_ids(self.games.host(game).game.state.definition)
        if group not in groups:
            wrong = why("need_group_of", groups=", ".join(groups)) if groups else why("no_groups")
            raise BadRequestError(wrong, at="$.group")
        if account in self.games.host(group).game.state.removed:
            await self._execute(group, Readmit(account=account, key=key))
        outcome = await self._execute(game, SetGroup(account=account, number=groups.index(group) + 1, key=key))
        for host in map(self.games.host, groups):
            with trio.fail_after(DEADLINE_S):
                await host.catch_up()
            if host.id != group and account in host.game.state.players:
                await self._execute(host.id, Remove(account=account, moved=True, key=key))
        return outcome

    async def reveal(self, game: str, key: str | None = None) -> Outcome:
        """Let everybody read the results of closed rounds, once for its key. Raises UnknownGameError."""
        return await self._execute(game, Reveal(key=key))

    async def kick(self, player: str) -> None:
        """Close the player's connections on every node and accept none of the tokens again. A seat that they have is
        barred until its link is renewed. Raises UnknownPlayerError.
        """
        with trio.fail_after(DEADLINE_S):
            if not await self.seats.sessions.sessions.remove_player(player):
                raise UnknownPlayerError(f"no player {player!r}")
            seat = await self.seats.of_player(player)
        if seat is not None:
            await self.renew_seat(*seat, barred=True)

    def _entrance(self, game: str) -> GameDefinition:
        """The definition of a game that is entered by itself. Raises UnknownGameError and BadRequestError."""
        definition = self.games.host(game).game.state.definition
        if definition.group is not None:
            raise BadRequestError(why("is_a_group", entrance=definition.group.of), at="game")
        return definition

    async def _execute(self, game: str, command: Command) -> Outcome:
        """An entrance passes on what is for its groups, and answers as the first of those who are meant.

        Raises the rule's error, if a rule refused it: then it names those games that did not do it.
        """
        passed = self._passed_on(game, command)
        if len(passed) == 1:
            return await self._execute_in(*passed[0])
        outcomes, failed = dict[str, Outcome](), dict[str, TradeGameError]()

        async def execute(to: str, what: Command) -> None:
            try:
                outcomes[to] = await self._execute_in(to, what)
            except Exception as fault:  # noqa: BLE001 - the other groups go on, whatever it is
                failed[to] = answer_to(fault, "group_failed", game=to).with_traceback(None)

        async with trio.open_nursery() as nursery:
            for to, what in passed:
                nursery.start_soon(execute, to, what)
        if failed:
            raise _of_groups(failed)
        return outcomes[passed[0][0]]

    def _passed_on(self, game: str, command: Command) -> list[tuple[str, Command]]:
        """In which games it is carried out, and what it is there. Raises UnknownGameError."""
        state = self.games.host(game).game.state
        groups, here = group_ids(state.definition), [(game, command)]
        if not groups:
            return here
        match command:
            case SetPhase() | Pause() | AddTime() | Announce() | Reveal() | SetRobots():
                return [(group, structs.replace(command)) for group in groups]
            case SetAccess():  # whether anybody new may come in is decided at the door alone
                theirs = structs.replace(command, locked=None)
                some = command.chat is not None or command.reports is not None
                return [*here, *((group, structs.replace(theirs)) for group in groups if some)]
            case Remove() | Mute():
                return [*here, *((each, structs.replace(command)) for each in groups if self._plays(command, each))]
            case Readmit():
                return [*here, *((each, structs.replace(command)) for each in groups if self._is_out(command, each))]
            case SitIn() | Tell():
                return [(group_of(state, command.account) or game, command)]
            case _:
                return here

    def _plays(self, command: Remove | Mute, group: str) -> bool:
        return command.account in self.games.host(group).game.state.players

    def _is_out(self, command: Readmit, group: str) -> bool:
        return command.account in self.games.host(group).game.state.removed

    async def _execute_in(self, game: str, command: Command) -> Outcome:
        """Raises the rule's error, if a rule refused it."""
        outcome = await self.log.execute(game, command)
        if isinstance(outcome.result, Rejected):
            raise outcome.result.error()
        return outcome


def _of_groups(failed: dict[str, TradeGameError]) -> TradeGameError:
    """One error for those of several games. One that is in doubt comes first."""
    doubtful = [error for error in failed.values() if not error.definite]
    error = copy((doubtful or list(failed.values()))[0])
    error.games = tuple(sorted(failed))
    error.message = f"{', '.join(error.games)}: {error.message}"
    return error


def _known(player: str) -> str:
    """Raises UnknownPlayerError for what no player's id can be: the log must not have it."""
    if not 1 <= len(player) <= PLAYER_ID_LENGTH:
        raise UnknownPlayerError(f"no player {player[:PLAYER_ID_LENGTH]!r}")
    return player
