"""All games of this node: one host each, started when a game appears and ended when it goes."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import structlog
import trio
from attrs import define, field

from tradegame.core.domain.chance import STATE_BITS
from tradegame.core.domain.definition import RULES_KNOWN, RULES_VERSION, GameDefinition, to_json
from tradegame.core.domain.groups import group_definitions
from tradegame.core.games.host import GameHost, GameObserver
from tradegame.core.games.settings import HostSettings
from tradegame.core.repositories import (
    CallDoneError,
    CallReusedError,
    CorruptStoreError,
    GameExistsError,
    GameGoneError,
    GameMeta,
    GameStateRepository,
    HostCall,
    StoreError,
)
from tradegame.protocol import reasons
from tradegame.protocol.errors import (
    BadRequestError,
    EpochOverError,
    GameThereError,
    KeyReusedError,
    UnavailableError,
    UnknownGameError,
)
from tradegame.utils.changes import Changes
from tradegame.utils.ids import opaque_id
from tradegame.utils.trouble import Trouble

BEGIN_S = 5.0
"""At its start, a node waits so long for all games to be read, in s; slower ones are served later."""


def _digest(*what: Any) -> str:
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=16).hexdigest()


@define(eq=False)
class GameService:
    """Serves every game of the store whose rules this node knows.

    ``absent``: whether no node has a connection that follows a game (the second argument) as a player (the first).
    """

    repository: GameStateRepository
    node: str
    observer: GameObserver
    now_ms: Callable[[], int]
    settings: HostSettings = field(factory=HostSettings)
    must_not_append: Callable[[], str | None] = lambda: None
    absent: Callable[[str, str], bool] = lambda player, game: False
    hosts: dict[str, GameHost] = field(factory=dict, init=False)
    not_served: dict[str, str] = field(factory=dict, init=False)
    """Games of the store that cannot be served here, by id, with the reason."""
    _changes: Changes = field(factory=Changes, init=False)
    _number: int = field(default=0, init=False)

    def host(self, game: str) -> GameHost:
        """The running host of a game.

        Raises UnknownGameError, and UnavailableError for an existing game that this node, perhaps alone, cannot serve:
        it stopped here with a fault, has newer rules, or is still being read.
        """
        host = self.hosts.get(game)
        if host is not None and host.running:
            return host
        if self._why_not(game) is not None:
            raise UnavailableError(f"this node does not serve the game {game!r}", retry_after_ms=2_000)
        raise UnknownGameError(f"no game {game!r}")

    def present(self, game: str) -> GameHost:
        """The running host of a game, to be shown as it is now.

        Raises UnknownGameError, and UnavailableError while this node may be behind.
        """
        host = self.host(game)
        if host.doubted:
            raise UnavailableError("this node is not up to date")
        return host

    def unserved(self) -> dict[str, str]:
        """Every existing game that is not served here, by id, with the reason."""
        games = dict.fromkeys([*self.not_served, *self.hosts])
        return {game: why for game in games if (why := self._why_not(game)) is not None}

    def _why_not(self, game: str) -> str | None:
        host = self.hosts.get(game)
        if host is None or host.running:
            return self.not_served.get(game)
        if host.failure is not None:
            return host.why
        return None if host.over else "it is being read"

    def doubt(self) -> None:
        """This node stalled or was cut off: every game catches up with the store before it is shown again."""
        for host in self.hosts.values():
            host.doubt()

    def slept(self, by_ms: int) -> None:
        """This node, the only one, did not run for so many ms."""
        for host in self.hosts.values():
            host.slept(by_ms)

    def in_timed_round(self) -> bool:
        """Whether a timed round is open in any game here: then the node's time must not jump."""
        return any(host.in_timed_round for host in self.hosts.values())

    def node_jumped(self, by_ms: int) -> None:
        """This node's time jumped by so many ms."""
        for host in self.hosts.values():
            host.node_jumped(by_ms)

    def ready(self) -> str | None:
        """None while every game here is up to date; otherwise which is not."""
        doubted = next((host.id for host in self.hosts.values() if host.running and host.doubted), None)
        return None if doubted is None else f"the game {doubted!r} is not up to date"

    async def run(
        self, definitions: Iterable[GameDefinition], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Create missing games, serve all, and follow the list until cancelled.

        Started when every game is served or refused, or after ``BEGIN_S`` with those that are.
        """
        for definition in definitions:
            if await self._is_there(definition) and definition.groups and await self._is_that(definition):
                for group in group_definitions(definition):
                    await self._is_there(group)
        async with trio.open_nursery() as nursery:
            revision = await self._start_listed(nursery)
            with trio.move_on_after(BEGIN_S):
                while any(not (host.running or host.over) for host in self.hosts.values()):
                    await self._changes.wait()
            task_status.started()
            trouble = Trouble("game_list_unavailable", "game_list_followed_again")
            while True:
                try:
                    async with self.repository.watch_list(revision) as watch:
                        while True:
                            for listed in await watch.receive():
                                if listed.unreadable is not None:
                                    self._refuse(listed.game, listed.unreadable)
                                elif listed.meta is None:
                                    self._forget_failed(listed.game)
                                elif (host := self._new_host(listed.meta)) is not None:
                                    nursery.start_soon(self._serve, host)
                            trouble.over()
                except StoreError as error:
                    trouble.happened(error=str(error))
                    await trio.sleep(0.5)
                try:
                    revision = await self._start_listed(nursery)
                except StoreError as error:
                    trouble.happened(error=str(error))
                else:
                    trouble.over()

    async def create(self, definition: GameDefinition, key: str | None = None) -> GameHost:
        """Create a game with its groups, once for its key, and wait until this node serves them.

        Raises GameThereError, KeyReusedError, EpochOverError if it was made with that key, and deleted, and
        StoreUnavailableError; the caller bounds the wait.
        """
        groups = group_definitions(definition)
        for each in groups:
            there = self.hosts.get(each.id)
            if each.id in self.not_served or (there is not None and there.meta.definition != to_json(each)):
                raise GameThereError(f"a game {each.id!r} is already there")
        host = await self._created(definition, key)
        for each in groups:
            await self._created(each, None if key is None else f"{key} {each.id}")
        return host

    async def _created(self, definition: GameDefinition, key: str | None) -> GameHost:
        """One game, as `create` makes it."""
        call = None if key is None else HostCall(key, _digest("create", to_json(definition)))
        try:
            meta = await self._create(definition, call)
        except GameExistsError:
            raise GameThereError(f"a game {definition.id!r} is already there") from None
        except CallReusedError as error:
            raise KeyReusedError(str(error)) from None
        except GameGoneError as error:
            raise EpochOverError(str(error)) from None
        while True:
            host = self.hosts.get(definition.id)
            if host is not None and host.meta.epoch == meta.epoch and (host.running or host.failure):
                return host
            await self._changes.wait()

    async def delete(self, game: str, key: str | None = None) -> None:
        """Delete a game with its groups, once for its key, and wait until this node has seen them go.

        Raises UnknownGameError, KeyReusedError, and BadRequestError for a group whose entrance is there.
        """
        host = self.hosts.get(game)
        if host is not None:
            definition = host.game.state.definition
            if definition.group is not None and definition.group.of in self.hosts:
                raise BadRequestError(reasons.why("is_a_group", entrance=definition.group.of), at="game")
            for each in group_definitions(definition):
                if (group := self.hosts.get(each.id)) is not None and group.game.state.definition.group == each.group:
                    await self._delete(each.id, None if key is None else f"{key} {each.id}")
        await self._delete(game, key)

    async def _delete(self, game: str, key: str | None) -> None:
        """One game, as `delete` does it."""
        host = self.hosts.get(game)
        try:
            if not await self.repository.delete(game, None if key is None else HostCall(key, _digest("delete", game))):
                raise UnknownGameError(f"no game {game!r}")
        except CallReusedError as error:
            raise KeyReusedError(str(error)) from None
        except CallDoneError:
            return
        self._forget_failed(game)
        while host is not None and self.hosts.get(game) is host:
            await self._changes.wait()

    async def _create(self, definition: GameDefinition, call: HostCall | None = None) -> GameMeta:
        return await self.repository.create(
            GameMeta(
                game=definition.id,
                definition=to_json(definition),
                epoch=opaque_id(8),
                rules=RULES_VERSION,
                seed=secrets.randbits(STATE_BITS),
                created_at=self.now_ms(),
            ),
            call,
        )

    async def _is_there(self, definition: GameDefinition) -> bool:
        """Make a game if it is missing. False: there is one that cannot be read."""
        try:
            await self._create(definition)
        except GameExistsError:
            return True
        except CorruptStoreError as error:
            self._refuse(definition.id, str(error))
            return False
        return True

    async def _is_that(self, definition: GameDefinition) -> bool:
        """Whether the game that is there was made by this definition, so that its groups are those."""
        try:
            return (await self.repository.get(definition.id)).meta.definition == to_json(definition)
        except (GameGoneError, CorruptStoreError):
            return False

    async def _start_listed(self, nursery: trio.Nursery) -> int:
        stored = await self.repository.list()
        for game, why in stored.unreadable.items():
            self._refuse(game, why)
        for meta in stored.metas:
            if (host := self._new_host(meta)) is not None:
                nursery.start_soon(self._serve, host)
        return stored.revision

    def _refuse(self, game: str, why: str) -> None:
        """This game is not served here; the others are. Logged once."""
        if self.not_served.get(game) != why:
            self.not_served[game] = why
            structlog.get_logger().error("game_not_served", game=game, reason=why)

    def _forget_failed(self, game: str) -> None:
        """A stopped game was deleted from the store: it is no longer a problem."""
        self.not_served.pop(game, None)
        host = self.hosts.get(game)
        if host is not None and host.failure is not None:
            del self.hosts[game]
            self._changes.made()

    def _new_host(self, meta: GameMeta) -> GameHost | None:
        """Enter a host for a game that has none yet. Returns None if it has one, or cannot be served here."""
        known = self.hosts.get(meta.game)
        if known is not None and known.meta.epoch == meta.epoch:
            return None
        if meta.rules not in RULES_KNOWN:
            versions = " and ".join(str(version) for version in RULES_KNOWN)
            self._refuse(meta.game, f"its rules are version {meta.rules}, known are {versions}")
            return None
        self._number += 1
        # a host numbers its own entries; a recreated game must not reuse the old one's ids
        node = f"{self.node}.{self._number}"
        try:
            host = GameHost(
                self.repository,
                meta,
                node,
                self.observer,
                self.now_ms,
                self.settings,
                self.must_not_append,
                self.absent,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # an invalid definition in the store: that game is not served, the others are
            self._refuse(meta.game, f"its definition is invalid: {error!r}")
            return None
        self.not_served.pop(meta.game, None)
        self.hosts[host.id] = host
        return host

    async def _serve(self, host: GameHost, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(host.run)
            self._changes.made()
            task_status.started()
        if self.hosts.get(host.id) is host and host.failure is None:
            del self.hosts[host.id]
        self._changes.made()
