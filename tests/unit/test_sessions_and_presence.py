"""Sessions and the register of connections when the store fails, and what presence makes of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import trio
import trio.lowlevel
import trio.testing
from attrs import evolve

from tests.support.loop_holds import slowness
from tradegame.core.membership.presence import Presence, PresenceDelta
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.membership.session_keeper import SessionKeeper
from tradegame.core.repositories import (
    CompactedError,
    ConnectionsChanged,
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    PlayerRecord,
    PlayerRemoved,
    SessionAdded,
    SessionRevoked,
    StoreUnavailableError,
)
from tradegame.core.use_cases import sessions as sessions_module
from tradegame.core.use_cases.sessions import SessionService, SignedIn
from tradegame.infra.config import Settings
from tradegame.infra.embedded import SqliteStore, open_sqlite
from tradegame.infra.kv import KvSessionRepository
from tradegame.infra.kv.port import KeyRange
from tradegame.protocol.closing import KICKED, REVOKED
from tradegame.protocol.errors import UnauthorizedError


def connection(number: int, player: str = "p-ann", games: Sequence[str] = ("bazaar",)) -> LiveConnection:
    return LiveConnection(f"c{number}", "east", player, tuple(games), 1)


def test_a_second_tab_is_no_second_arrival() -> None:
    presence = Presence()
    presence.change(ConnectionsChanged(saved=(connection(1),)))
    assert presence.deltas() == {"bazaar": PresenceDelta(("p-ann",), ())}
    presence.change(ConnectionsChanged(saved=(connection(2),)))
    presence.change(ConnectionsChanged(removed=("c1",)))
    assert presence.deltas() == {}
    presence.change(ConnectionsChanged(removed=("c2", "c2", "unknown")))
    assert presence.deltas() == {"bazaar": PresenceDelta((), ("p-ann",))}
    assert len(presence) == 0


def test_absent_is_who_has_no_connection_that_plays_and_nobody_before_the_register_was_read() -> None:
    presence = Presence()
    assert not presence.absent("p-ann", "bazaar")
    looks_on = evolve(connection(2), games=("bazaar", "fair"), plays=("fair",))
    presence.change(ConnectionsChanged(saved=(evolve(connection(1), plays=("bazaar",)), looks_on), reset=True))
    assert not presence.absent("p-ann", "bazaar")
    assert presence.absent("p-bob", "bazaar")
    presence.change(ConnectionsChanged(removed=("c1",)))
    assert presence.absent("p-ann", "bazaar")
    assert not presence.absent("p-ann", "fair")
    presence.change(ConnectionsChanged(saved=(evolve(looks_on, plays=("bazaar",)),)))
    assert [presence.absent("p-ann", game) for game in ("bazaar", "fair")] == [False, True]
    presence.change(ConnectionsChanged(reset=True))
    assert presence.absent("p-ann", "bazaar")


def test_a_reset_keeps_what_is_still_there_and_forgets_the_rest() -> None:
    presence = Presence()
    presence.change(ConnectionsChanged(saved=(connection(1), connection(2, "p-bob"))))
    presence.deltas()
    presence.change(ConnectionsChanged(saved=(connection(2, "p-bob"), connection(3, "p-eve")), reset=True))
    assert presence.deltas() == {"bazaar": PresenceDelta(("p-eve",), ("p-ann",))}
    assert presence.online("bazaar") == ("p-bob", "p-eve")
    assert presence.knows("c3", "bazaar")
    assert not presence.knows("c1", "bazaar")


class Register:
    """A connection repository that does as it is told."""

    def __init__(self) -> None:
        self.registered = 0
        self.saved: dict[str, LiveConnection] = {}
        self.withdrawn: list[str] = []
        self.failures: list[Exception] = []
        self.wrote = trio.Event()

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def register(self, node: NodeInfo) -> None:
        await trio.lowlevel.checkpoint()
        self._fail()
        self.registered += 1

    async def keep_alive(self, node: NodeInfo) -> float:
        await trio.lowlevel.checkpoint()
        assert node.clock == 42
        self._fail()
        return 4.0

    async def save(self, connections: Sequence[LiveConnection]) -> None:
        await trio.lowlevel.checkpoint()
        self.saved.update({each.id: each for each in connections})
        self.wrote.set()

    async def remove(self, connections: Sequence[LiveConnection]) -> None:
        await trio.lowlevel.checkpoint()
        for each in connections:
            self.saved.pop(each.id, None)

    async def withdraw(self, node: str) -> None:
        await trio.lowlevel.checkpoint()
        self.withdrawn.append(node)
        self._fail()

    async def unregister(self) -> None:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailableError("gone", definite=False)


async def test_a_lost_lease_is_taken_again_and_every_connection_saved_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = Register()
    register = ConnectionRegister(store, NodeInfo("east", "ws://", "1", 0), lambda: 42)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(register.run)
        register.put(connection(1))
        await trio.sleep(2)
        assert list(store.saved) == ["c1"]
        store.saved.clear()
        store.failures = [
            StoreUnavailableError("slow", definite=True),
            LeaseLostError("expired"),
            StoreUnavailableError("slow", definite=True),
            LeaseLostError("still"),
        ]
        await trio.sleep(20)
        assert store.registered == 2
        assert list(store.saved) == ["c1"]
        register.drop("c1")
        await trio.sleep(2)
        assert store.saved == {}
        nursery.cancel_scope.cancel()
    assert not register.registered


async def test_a_store_that_does_not_take_a_withdrawal_is_no_fault(autojump_clock: trio.testing.MockClock) -> None:
    store = Register()
    register = ConnectionRegister(store, NodeInfo("east", "ws://", "1", 0), lambda: 42)  # type: ignore[arg-type]
    store.failures = [StoreUnavailableError("slow", definite=True)]
    await register.withdraw()
    assert store.withdrawn == ["east"]


class Sessions:
    """A session repository whose watch tells what it is given."""

    def __init__(self, told: list[Any]) -> None:
        self.told = told
        self.live = {"s1"}

    async def revision(self) -> int:
        await trio.lowlevel.checkpoint()
        return 1

    async def renew(self, session: str) -> bool:
        await trio.lowlevel.checkpoint()
        return session in self.live

    async def over(self, sessions: Sequence[str]) -> list[str]:
        await trio.lowlevel.checkpoint()
        return [session for session in sessions if session not in self.live]

    def watch(self, after_revision: int) -> Any:
        return self

    async def __aenter__(self) -> Sessions:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def receive(self) -> Any:
        await trio.sleep(1)
        if not self.told:
            await trio.sleep_forever()
        item = self.told.pop(0)
        if isinstance(item, Exception):
            raise item
        return [item]


class OpenHere:
    def __init__(self) -> None:
        self.ended: list[tuple[str, int]] = []
        self.told: list[tuple[str, str]] = []

    def sessions(self) -> list[str]:
        return [each for each in ("s1", "s2") if not any(gone == each for gone, _ in self.ended)]

    def end_session(self, session: str, code: int, reason: str) -> None:
        self.ended.append((session, code))

    def end_player(self, player: str, code: int, reason: str) -> None:
        self.ended.append((player, code))

    def tell_of_device(self, player: str, session: str) -> None:
        self.told.append((player, session))


async def test_sessions_that_ended_while_the_watch_was_blind_are_found_by_looking(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = Sessions(
        [PlayerRemoved("p-bob"), SessionAdded("p-eve", "s4"), CompactedError("blind"), SessionRevoked("s3")]
    )
    here = OpenHere()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(SessionKeeper(store, here, 3_600, store.renew).run)  # type: ignore[arg-type]
        await trio.sleep(10)
        assert here.ended == [("s2", REVOKED), ("p-bob", KICKED), ("s3", REVOKED)]
        assert here.told == [("p-eve", "s4")]
        store.live.clear()
        await trio.sleep(3_600)
        assert ("s1", REVOKED) in here.ended
        nursery.cancel_scope.cancel()


class Players:
    """As much of a session repository as signing up takes."""

    def __init__(self) -> None:
        self.there: dict[str, tuple[str, int]] = {}
        self.kept: list[str] = []
        self.renewed: list[tuple[float, str]] = []

    async def create(self, player: PlayerRecord, session: str, expires_s: int) -> bool:
        await trio.lowlevel.checkpoint()
        self.there[session] = player.id, expires_s
        return True

    async def keep(self, session: str, expires_s: int) -> bool:
        await trio.lowlevel.checkpoint()
        self.kept.append(session)
        return session in self.there

    async def revoke(self, session: str) -> bool:
        await trio.lowlevel.checkpoint()
        return self.there.pop(session, None) is not None

    async def renew(self, session: str) -> bool:
        await trio.lowlevel.checkpoint()
        self.renewed.append((trio.current_time(), session))
        return True


async def test_guests_live_for_an_hour_and_the_oldest_who_is_not_there_goes_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions_module, "GUESTS_KEPT", 10)
    players, connected = Players(), set[str]()
    service = SessionService(players, 604_800, lambda: 0, connected.__contains__)  # type: ignore[arg-type]
    guests = [await service.sign_in(None, None) for _ in range(10)]
    assert {life for _, life in players.there.values()} == {sessions_module.GUEST_S}
    connected |= {guests[0].player.id, guests[1].player.id}
    joined = await service.keep(guests[2])
    assert (joined.player.guest, players.kept) == (False, [guests[2].session])
    assert await service.keep(joined) == joined
    assert len(players.kept) == 1
    assert (service.lives_s(guests[3].player), service.lives_s(joined.player)) == (sessions_module.GUEST_S, 604_800)
    for _ in range(4):
        await service.sign_in(None, None)
    gone = [each for each in guests if each.session not in players.there]
    assert gone == guests[3:6], "neither who is connected nor who has joined"
    service.ended(guests[6].session)
    await service.sign_in(None, None)
    assert guests[7].session in players.there, "there is room again"


DAY_MS = 24 * 3_600_000


class Class:
    """A session on a real store whose clocks are ours, and what it costs the store."""

    def __init__(self, kv: SqliteStore, **settings: int) -> None:
        self.now_ms = 1_790_000_000_000
        self.kv = kv
        self.repository = KvSessionRepository(kv, "t")
        kv._engine._leases._wall = lambda: self.now_ms / 1000
        kv._engine._leases._monotonic = lambda: self.now_ms / 1000
        self.service = SessionService(
            self.repository,
            settings.get("expires_s", Settings().session.expires_s),
            lambda: self.now_ms,
            max_age_s=settings.get("max_age_s", Settings().session.max_age_s),
        )

    async def meet(self, after_days: float, token: str) -> SignedIn:
        """Some days later everybody says hello again."""
        self.now_ms += int(after_days * DAY_MS)
        await trio.lowlevel.checkpoint()
        for lease in self.kv._engine.leases_due():
            await self.kv.revoke(lease)
        return await self.service.sign_in(None, token)


async def test_a_weekly_class_and_its_holidays_are_one_session_until_it_is_too_old() -> None:
    async with open_sqlite(":memory:") as kv:
        lesson = Class(kv)
        ann = await lesson.service.keep(await lesson.service.sign_in("ann", None))
        for days in (7.2, 7, 14, 50, 7, 85, 7, 85, 7, 80):
            assert (await lesson.meet(days, ann.token)).player.id == ann.player.id
        told = lesson.service.lives_s(ann.player)
        assert told < 17 * 86_400, "no longer than it may become"
        with pytest.raises(UnauthorizedError):
            await lesson.meet(17, ann.token)
        assert (await kv.range(KeyRange.prefix("t/"))).pairs == (), "nothing is left of it"


async def test_a_session_that_is_used_without_a_pause_ends_too() -> None:
    async with open_sqlite(":memory:") as kv:
        lesson = Class(kv, max_age_s=10 * 86_400)
        ann = await lesson.service.keep(await lesson.service.sign_in("ann", None))
        for _ in range(9):
            lesson.now_ms += DAY_MS
            assert await lesson.service.renew(ann.session)
        lesson.now_ms += DAY_MS
        assert not await lesson.service.renew(ann.session)


async def test_to_use_a_session_costs_a_write_once_in_a_tenth_of_its_life(tmp_path: Path) -> None:
    async with open_sqlite(str(tmp_path / "game.db")) as kv:
        lesson = Class(kv)
        ann = await lesson.service.keep(await lesson.service.sign_in("ann", None))
        written: list[int] = []
        for _ in range(90):
            lesson.now_ms += DAY_MS
            before = kv._engine._connection.total_changes
            for _ in range(20):
                await lesson.service.sign_in(None, ann.token)
            written.append(kv._engine._connection.total_changes - before)
        assert 0 < sum(written) <= 10, "each is one row of one lease"


async def test_a_guest_whose_session_is_over_cannot_join() -> None:
    service = SessionService(Players(), 604_800, lambda: 0)  # type: ignore[arg-type]
    guest = SignedIn(PlayerRecord("p-1", "one", 0, guest=True), "nowhere", "token")
    with pytest.raises(UnauthorizedError):
        await service.keep(guest)


async def test_sessions_are_renewed_one_by_one_over_the_time_there_is(autojump_clock: trio.testing.MockClock) -> None:
    class Many(OpenHere):
        def sessions(self) -> list[str]:
            return [f"s{number}" for number in range(1_000)]

    players = Players()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(SessionKeeper(players, Many(), 3_600, players.renew)._renew)  # type: ignore[arg-type]
        await trio.sleep(3_600)
        nursery.cancel_scope.cancel()
    times = [at for at, _ in players.renewed]
    assert min(after - before for before, after in itertools.pairwise(times)) > 0.5, "no peak"
    for number in (0, 500, 999):
        own = [at for at, session in players.renewed if session == f"s{number}"]
        assert max(after - before for before, after in itertools.pairwise([0.0, *own])) < 3_600 / 2


def test_presence_counts_a_players_connections() -> None:
    presence = Presence()
    presence.change(ConnectionsChanged(saved=(connection(1, games=()), connection(2, games=()))))
    presence.change(ConnectionsChanged(removed=("c1",)))
    assert presence.connected("p-ann")
    presence.change(ConnectionsChanged(removed=("c2",)))
    assert not presence.connected("p-ann")


def test_ten_thousand_connections_that_go_at_once_or_are_read_anew_hold_nobody_up() -> None:
    """As when a node dies or its watch meets a compaction: what is done of it in one go takes less than 10 ms."""
    nodes = ("east", "north", "west")
    there = tuple(LiveConnection(f"k{n}", nodes[n % 3], f"p-{n}", ("bazaar",), 0, ("bazaar",)) for n in range(10_000))
    presence, register = Presence(), ConnectionRegister(Mock(), NodeInfo("east", "", "1", 0), lambda: 0)
    for connection in there[::3]:
        register.put(connection)
    took = []

    def timed(work: Callable[[], object]) -> None:
        begun = time.thread_time()
        work()
        took.append(time.thread_time() - begun)

    gone = [connection.id for connection in there if connection.node != "east"]
    removed = [ConnectionsChanged(removed=tuple(gone[first : first + 500])) for first in range(0, len(gone), 500)]
    for change in (ConnectionsChanged(there, reset=True), ConnectionsChanged(there, reset=True), *removed):
        steps = presence.steps(change)
        for _ in range(1 + (len(change.saved) + len(change.removed)) // 500):
            timed(lambda steps=steps: next(steps, None))  # type: ignore[misc]
        assert next(steps, ...) is ...
        timed(lambda change=change: register.connections_seen(change))  # type: ignore[misc]
    assert len(presence) == len(there) - len(gone)
    assert max(took) < 0.01 * slowness()
