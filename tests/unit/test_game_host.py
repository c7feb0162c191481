"""A game's host when things go wrong: the store, another replica, the rules themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve
from trio.testing import MockClock

from tests.contract.faults import Fault, FaultyStore
from tests.simulation.store import open_memory
from tests.support.domain import BEGIN
from tradegame.core.domain.definition import RULES_VERSION, GameDefinition, GoodDefinition, HouseDefinition, to_json
from tradegame.core.domain.events import Outcome
from tradegame.core.domain.game import Game
from tradegame.core.games.host import GameHost
from tradegame.core.games.log_reader import BUSY_S
from tradegame.core.games.replica import Replica
from tradegame.core.games.settings import HostSettings
from tradegame.core.games.submissions import EntryBounds
from tradegame.core.repositories import GameMeta, LogEntry
from tradegame.infra.kv import KvGameStateRepository
from tradegame.infra.kv.game_watches import KvGameWatch
from tradegame.protocol.commands import Arrive, Depart, Join, SetPhase, decode_entry, encode_command, join_entry
from tradegame.protocol.errors import (
    CommandTimeoutError,
    InternalError,
    OverloadedError,
    TradeGameError,
    UnavailableError,
    UnknownGameError,
)
from tradegame.protocol.requests import AmendOrder, BuyGood, PlaceOrder, Say

DEFINITION = GameDefinition(
    id="bazaar", goods={"grain": GoodDefinition(house=HouseDefinition(anchor=10_000, tick_s=1, drift_bps=5_000))}
)
META = GameMeta(
    game="bazaar",
    definition=to_json(DEFINITION),
    epoch="k3v9",
    rules=RULES_VERSION,
    seed=7,
    created_at=BEGIN,
)


def now_ms() -> int:
    """The wall clock, which goes with trio's: nothing here depends on the machine's pace."""
    return BEGIN + int(trio.current_time() * 1000)


class Crowd:
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.settled_times = 0
        self.restarts = 0
        self.over = trio.Event()

    def applied(self, host: GameHost, applied: Any, frame: Any) -> None:
        if frame is not None:
            self.seqs.append(frame.seq)

    def settled(self, host: GameHost) -> None:
        self.settled_times += 1

    def restarted(self, host: GameHost) -> None:
        self.restarts += 1

    def ended(self, host: GameHost) -> None:
        self.over.set()


class World:
    """A store that fails as told, and hosts on it."""

    def __init__(self, store: FaultyStore, nursery: trio.Nursery) -> None:
        self.store = store
        self.nursery = nursery
        self.repository = KvGameStateRepository(store, "test", deadline_s=0.3)

    async def host(
        self, node: str = "east", absent: Callable[[str], bool] = lambda player: False, **settings: Any
    ) -> tuple[GameHost, Crowd]:
        crowd = Crowd()
        meta = (await self.repository.get("bazaar")).meta
        host_settings = HostSettings(**settings)
        host = GameHost(
            self.repository, meta, node, crowd, now_ms, host_settings, absent=lambda player, game: absent(player)
        )
        await self.nursery.start(host.run)
        return host, crowd


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_memory() as kv, trio.open_nursery() as nursery:
        world = World(FaultyStore(kv), nursery)
        await world.repository.create(META)
        with trio.fail_after(120):
            yield world
        nursery.cancel_scope.cancel()


async def ask(host: GameHost, command: Any) -> Outcome | TradeGameError:
    """What a command comes to."""
    with trio.fail_after(60):
        try:
            return await host.execute(command)
        except TradeGameError as error:
            return error


async def joined(host: GameHost, player: str = "p-ann") -> None:
    assert isinstance(await ask(host, Join(player=player, name=player)), Outcome)


def say(text: str, key: str | None = None) -> Say:
    return Say(player="p-ann", text=text, key=key)


async def test_what_the_store_refuses_is_unavailable_and_the_next_command_goes_through(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.faults = [Fault.REFUSED] * 40
    assert isinstance(await ask(host, say("lost")), UnavailableError)
    world.store.faults = []
    assert isinstance(await ask(host, say("there")), Outcome)
    assert [message.text for message in host.game.state.messages] == ["there"]
    assert host.counters.unavailable == 1


async def test_after_a_slow_broadcast_commands_gather_unless_they_fill_an_entry(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(entry=EntryBounds(commands=8, bytes=64 << 10, weight=512))
    await joined(host)
    host.crowd_s = 0.02
    for commands, expected_s in ((16, 0.0), (4, host.crowd_s), (8, 0.0)):
        begun = trio.current_time()
        for submission in [host.execute(say("hi")) for _ in range(commands)]:
            await submission
        assert trio.current_time() - begun == pytest.approx(expected_s, abs=0.001)


async def test_a_write_without_an_answer_happens_once_and_is_answered(world: World, autojump_clock: MockClock) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.faults = [Fault.UNANSWERED, Fault.DROPPED]
    assert isinstance(await ask(host, say("once")), Outcome)
    assert [message.text for message in host.game.state.messages] == ["once"]


async def test_an_entry_that_lands_after_it_was_given_up_is_applied_and_its_key_answers_the_retry(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(command_timeout_s=0.2)
    await joined(host)
    update, gate = KvGameStateRepository.update, trio.Event()

    async def slow(self: Any, *arguments: Any) -> Any:
        await gate.wait()
        return await update(self, *arguments)

    monkeypatch.setattr(KvGameStateRepository, "update", slow)
    assert isinstance(await ask(host, say("late", key="k")), CommandTimeoutError)
    assert host.counters.timeouts == 1
    gate.set()
    again = await ask(host, say("late", key="k"))
    assert isinstance(again, Outcome)
    assert again.replayed
    assert [message.text for message in host.game.state.messages] == ["late"]


async def test_a_command_that_timed_out_before_it_was_sent_never_happens(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(command_timeout_s=0.2)
    await joined(host)
    update, gate = KvGameStateRepository.update, trio.Event()

    async def slow(self: Any, *arguments: Any) -> Any:
        await gate.wait()
        return await update(self, *arguments)

    monkeypatch.setattr(KvGameStateRepository, "update", slow)
    host.execute(say("under way"))
    await trio.testing.wait_all_tasks_blocked(0.02)
    assert isinstance(await ask(host, say("still waiting")), CommandTimeoutError)
    gate.set()
    assert isinstance(await ask(host, say("after")), Outcome)
    assert [message.text for message in host.game.state.messages] == ["under way", "after"]


async def test_more_than_may_wait_is_overloaded(world: World, autojump_clock: MockClock) -> None:
    host, _ = await world.host(queue=3)
    for number in range(3):
        host.execute(say(str(number)))
    with pytest.raises(OverloadedError) as refused:
        host.execute(say("one too many"))
    assert refused.value.retry_after_ms


async def test_a_fault_in_the_rules_stops_this_game_here_with_internal(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    host, crowd = await world.host()
    await joined(host)

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a rule that nobody foresaw")

    monkeypatch.setattr(Game, "apply_value", broken)
    assert isinstance(await ask(host, say("boom")), UnavailableError)
    await crowd.over.wait()
    assert host.failure is not None
    with pytest.raises(InternalError, match=host.failure):
        host.execute(say("again"))
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_replica_that_went_astray_stops_at_the_next_boundary(world: World, autojump_clock: MockClock) -> None:
    east, _ = await world.host("east", snapshot_every=10, generation_frames=5)
    west, west_crowd = await world.host("west", snapshot_every=10**6)
    await joined(east)
    await west.wait_for(east.game.state.seq)
    west.game.state.accounts["p-ann"].cash += 1
    for number in range(20):
        await ask(east, say(str(number)))
    await west_crowd.over.wait()
    assert west.failure is not None
    assert east.failure is None
    assert isinstance(await ask(east, say("goes on")), Outcome)


async def test_a_host_that_starts_on_a_log_that_does_not_lead_to_the_saved_state_does_not_serve(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host("east", snapshot_every=10, generation_frames=5)
    await joined(host)
    for number in range(60):
        await ask(host, say(str(number)))
    while len(host.meta.snapshots) < 2:
        await ask(host, say("more"))
    get = KvGameStateRepository.get

    async def tampered(self: Any, game: str) -> Any:
        stored = await get(self, game)
        older, newest = stored.meta.snapshots
        return evolve(stored, meta=evolve(stored.meta, snapshots=(older, evolve(newest, digest="0" * 64))))

    monkeypatch.setattr(KvGameStateRepository, "get", tampered)
    late, crowd = await world.host("late")
    await crowd.over.wait()
    assert late.failure is not None
    assert not late.running


async def test_a_watch_that_met_a_compaction_is_read_anew_without_a_gap_or_a_repeat(
    world: World, autojump_clock: MockClock
) -> None:
    east, _ = await world.host("east")
    world.store.compactions = 1
    west, crowd = await world.host("west")
    await joined(east)
    for number in range(20):
        last = await ask(east, say(str(number)))
    assert isinstance(last, Outcome)
    await west.wait_for(east.game.state.seq)
    assert west.counters.rebuilds >= 1
    assert crowd.restarts == 0
    assert crowd.seqs == list(range(crowd.seqs[0], crowd.seqs[0] + len(crowd.seqs)))
    assert west.game.state.chain == east.game.state.chain


async def test_a_replica_that_was_trimmed_away_under_tells_its_followers_to_begin_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    east, _ = await world.host("east", snapshot_every=10, generation_frames=5)
    west, crowd = await world.host("west")
    await joined(east)
    await west.wait_for(east.game.state.seq)
    stalled = west.game
    for number in range(80):
        await ask(east, say(str(number)))
    await west.wait_for(east.game.state.seq)
    # as if it had seen nothing since: its place is gone from the store by now
    stalled.state.seq = 1
    west._replica.game, west._replica.revision = stalled, 1
    await west._reader.rebuild()
    assert crowd.restarts == 1
    assert west.game.state.chain == east.game.state.chain
    assert west.history.leads_from(west.game.state.seq - 3, west.game.state.seq)


async def test_who_waits_for_the_present_gets_all_that_was_there_when_it_was_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    receive, gate = KvGameWatch.receive, trio.Event()
    gate.set()

    async def late(self: Any) -> Any:
        told = await receive(self)
        await gate.wait()
        return told

    monkeypatch.setattr(KvGameWatch, "receive", late)
    east, _ = await world.host("east")
    west, _ = await world.host("west")
    await joined(east)
    with trio.fail_after(60):
        await west.catch_up()
    gate = trio.Event()
    await world.repository.update(east.meta, "somebody-1", join_entry(1, [encode_command(say("behind"))]))
    caught_up: list[int] = []

    async def wait() -> None:
        await west.catch_up()
        caught_up.append(west.game.state.seq)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(wait)
        with trio.move_on_after(0.5):
            await trio.sleep_forever()
        assert caught_up == []
        gate.set()
    assert len(caught_up) == 5
    assert [message.text for message in west.game.state.messages] == ["behind"]


async def test_who_waits_for_the_present_while_others_write_without_a_pause_is_not_kept_waiting(
    world: World, autojump_clock: MockClock
) -> None:
    east, _ = await world.host("east")
    west, _ = await world.host("west")
    await joined(east)
    async with trio.open_nursery() as nursery:

        async def write() -> None:
            while True:
                await ask(east, say("more"))

        nursery.start_soon(write)
        for _ in range(20):
            seq = east.game.state.seq
            with trio.fail_after(60):
                await west.catch_up()
            assert west.game.state.seq >= seq
        nursery.cancel_scope.cancel()


async def test_those_who_wait_together_ask_the_store_together(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    asked = 0
    newest_after = KvGameStateRepository.newest_after

    async def counted(self: Any, game: str, revision: int) -> int | None:
        nonlocal asked
        asked += 1
        return await newest_after(self, game, revision)

    monkeypatch.setattr(KvGameStateRepository, "newest_after", counted)
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(host.catch_up)
    assert 1 <= asked <= 2  # those who come while a question is under way need one that began after them


async def test_a_doubted_game_is_the_present_again_once_it_was_compared_with_the_store(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    assert not host.doubted
    world.store.unreadable = 1
    host.doubt()
    assert host.doubted
    while host.doubted:  # noqa: ASYNC110 - it is there to be asked, nothing announces it
        await trio.sleep(0.02)
    assert world.store.unreadable == 0


async def test_a_watch_that_fell_silent_without_a_word_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    east, _ = await world.host("east")
    receive = KvGameWatch.receive
    mute = True

    async def receive_or_not(self: Any) -> Any:
        if mute:
            await trio.sleep_forever()
        return await receive(self)

    monkeypatch.setattr(KvGameWatch, "receive", receive_or_not)
    west, crowd = await world.host("west", verify_s=0.1)
    west.follow(+1)
    await joined(east)
    mute = False
    await west.wait_for(east.game.state.seq)
    assert west.counters.mute_watches == 1
    assert crowd.restarts == 0
    assert "watch_mute" in capsys.readouterr().out
    await ask(east, say("heard"))
    await west.wait_for(east.game.state.seq)


async def test_an_own_entry_is_applied_at_once_if_it_is_the_next_and_else_in_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    receive = KvGameWatch.receive
    mute = False

    async def receive_or_not(self: Any) -> Any:
        while mute:  # noqa: ASYNC110 - a watch that is late
            await trio.sleep(0.01)
        return await receive(self)

    monkeypatch.setattr(KvGameWatch, "receive", receive_or_not)
    host, crowd = await world.host(verify_s=1_000)
    await joined(host)
    mute = True
    await ask(host, say("once, to wake the watch"))
    begun = trio.current_time()
    assert isinstance(await ask(host, say("own")), Outcome)
    assert trio.current_time() == begun
    await world.repository.update(host.meta, "west-1", join_entry(1, [encode_command(say("other"))]))
    answers: list[Outcome | TradeGameError] = []

    async def say_more() -> None:
        answers.append(await ask(host, say("after")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_more)
        await trio.sleep(0.1)
        assert answers == []
        mute = False
    assert isinstance(answers[0], Outcome)
    said = ["once, to wake the watch", "own", "other", "after"]
    assert [message.text for message in host.game.state.messages] == said
    assert crowd.seqs == list(range(crowd.seqs[0], host.game.state.seq + 1))


async def test_an_own_entry_waits_for_the_state_of_a_boundary(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    written = trio.Event()
    change = Replica.meta_changed

    async def slowly(self: Replica, meta: GameMeta) -> Any:
        changed = await change(self, meta)
        await written.wait()
        return changed

    monkeypatch.setattr(Replica, "meta_changed", slowly)
    assert await world.repository.raise_generation(host.meta) is not None
    answers: list[Outcome | TradeGameError] = []

    async def say_it() -> None:
        answers.append(await ask(host, say("after the boundary")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_it)
        await trio.sleep(0.1)
        assert answers == []
        written.set()
    assert isinstance(answers[0], Outcome)


async def test_what_a_full_store_refuses_is_overloaded_since_nothing_happened(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.faults = [Fault.FULL]
    refused = await ask(host, say("too much"))
    assert isinstance(refused, OverloadedError)
    assert refused.definite
    assert isinstance(await ask(host, say("there is room again")), Outcome)
    assert [message.text for message in host.game.state.messages] == ["there is room again"]


async def test_a_full_store_that_may_have_taken_it_before_is_no_refusal(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.faults = [Fault.UNANSWERED, *[Fault.FULL] * 40]
    assert not isinstance(await ask(host, say("perhaps")), OverloadedError)
    world.store.faults = []


async def test_only_a_game_that_is_followed_ticks_by_itself(world: World, autojump_clock: MockClock) -> None:
    host, crowd = await world.host(tick_jitter_s=0)
    with trio.move_on_after(1.5):
        await host.wait_for(1)
    assert crowd.seqs == []
    host.follow(+1)
    await host.wait_for(2)
    host.follow(-1)
    assert len(crowd.seqs) >= 2


async def test_the_audit_counts_what_is_broken(
    world: World, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    host, _ = await world.host(audit_s=0.05)
    await joined(host)
    host.game.state.accounts["p-ann"].cash += 5
    while not host.counters.violations:
        await ask(host, say("look again"))
        await trio.sleep(0.01)
    assert "cash sums to 5, not 0" in capsys.readouterr().out


async def test_a_deleted_game_answers_what_waits_and_is_unknown_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, crowd = await world.host()
    await joined(host)
    await world.repository.delete("bazaar")
    await crowd.over.wait()
    with pytest.raises(UnknownGameError):
        host.execute(BuyGood(player="p-ann", good="grain", qty=1))
    assert host.failure is None


async def test_a_node_whose_clock_is_wrong_takes_no_commands_and_does_not_tick(
    world: World, autojump_clock: MockClock
) -> None:
    reason: list[str | None] = [None]
    meta = (await world.repository.get("bazaar")).meta
    crowd = Crowd()
    host = GameHost(
        world.repository,
        meta,
        "east",
        crowd,
        now_ms,
        HostSettings(tick_jitter_s=0),
        lambda: reason[0],
    )
    await world.nursery.start(host.run)
    await joined(host)
    reason[0] = "this node's clock is off by 3600000 ms"
    host.follow(+1)
    seq = host.game.state.seq
    with pytest.raises(OverloadedError, match="clock is off"):
        host.execute(say("now"))
    with trio.move_on_after(1.5):
        await host.wait_for(seq + 1)
    assert host.game.state.seq == seq
    reason[0] = None
    await host.wait_for(seq + 1)


class LateWatch:
    """Tells everything so many seconds later."""

    def __init__(self, watch: Any, late_s: float) -> None:
        self._watch, self._late_s = watch, late_s
        self.send, self.hear = trio.open_memory_channel[tuple[float, Any]](10_000)

    async def listen(self) -> None:
        while True:
            items = await self._watch.receive()
            await self.send.send((trio.current_time() + self._late_s, items))

    async def receive(self) -> Any:
        at, items = await self.hear.receive()
        await trio.sleep_until(at)
        return items


async def test_a_node_that_is_always_a_little_late_catches_up_in_a_busy_game_all_the_same(
    world: World, autojump_clock: MockClock
) -> None:
    class LateRepository(KvGameStateRepository):
        @asynccontextmanager
        async def watch(self, meta: GameMeta, after_revision: int) -> AsyncIterator[Any]:
            async with super().watch(meta, after_revision) as watch, trio.open_nursery() as nursery:
                late = LateWatch(watch, 0.3)
                nursery.start_soon(late.listen)
                yield late
                nursery.cancel_scope.cancel()

    busy, _ = await world.host("east")
    await joined(busy)
    world.repository = LateRepository(world.store, "test", deadline_s=0.3)
    late, _ = await world.host("west")

    async def talk() -> None:
        while True:
            busy.execute(say("and on"))
            await trio.sleep(0.02)

    world.nursery.start_soon(talk)
    await trio.sleep(0.5)
    for _ in range(3):
        entries = busy.counters.entries
        with trio.fail_after(60):
            await late.catch_up()
        assert late.counters.entries >= entries - 1  # its own count began one join later


async def all_of(host: GameHost, commands: list[Any]) -> list[Outcome | TradeGameError]:
    """Submit all before any is sent; the answers, as they come."""
    answers: list[Outcome | TradeGameError] = []
    answered = trio.Event()

    def answer(outcome: Outcome | TradeGameError) -> None:
        answers.append(outcome)
        if len(answers) == len(commands):
            answered.set()

    for command in commands:
        host.execute(command).answer = answer
    with trio.fail_after(60):
        await answered.wait()
    return answers


async def test_a_crowd_that_says_long_lines_stops_no_game(world: World, autojump_clock: MockClock) -> None:
    """512 lines of 500 emoji: each line 500 characters and 2 000 bytes, a mebibyte together."""
    host, _ = await world.host()
    await joined(host)
    lines = [say("\N{SLIGHTLY SMILING FACE}" * 500, key=f"key-{at}") for at in range(512)]
    answers = await all_of(host, lines)
    assert all(isinstance(answer, Outcome) for answer in answers)
    assert host.running


async def test_an_entry_that_the_store_refuses_is_cut_and_keeps_its_order(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.most_bytes = 300
    said = [say(f"line {at:03d}") for at in range(50)]
    answers = await all_of(host, said)
    assert all(isinstance(answer, Outcome) for answer in answers)
    entries = [entry async for page in world.repository.entries(await world.repository.get("bazaar")) for entry in page]
    texts = [
        command.text for entry in entries for command in decode_entry(entry.value).commands if isinstance(command, Say)
    ]
    assert texts == [f"line {at:03d}" for at in range(50)]
    assert all(len(entry.value) <= 300 for entry in entries[1:])
    assert host.running


async def test_a_command_that_the_store_refuses_is_refused_for_certain_and_the_next_goes_through(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    world.store.most_bytes = 300
    refused = await ask(host, say("x" * 300, key="k1"))
    assert isinstance(refused, OverloadedError)
    assert refused.definite
    assert isinstance(await ask(host, say("short")), Outcome)
    assert host.running


async def test_a_snapshot_that_the_store_refuses_is_saved_in_smaller_parts(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(snapshot_every=20, generation_frames=1)
    world.store.most_bytes = 20_000
    await all_of(host, [Join(player=f"p-{at:04d}", name="n" * 32) for at in range(500)])
    while not host.counters.snapshots:
        await ask(host, Join(player="p-0000", name="again"))
    reference = (await world.repository.get("bazaar")).meta.snapshots[-1]
    assert reference.parts > 1
    assert host.running


async def test_entries_that_come_together_are_applied_with_pauses(
    world: World, monkeypatch: pytest.MonkeyPatch, mock_clock: MockClock
) -> None:
    host, crowd = await world.host()
    await joined(host)
    turns: list[int] = []

    def slow(applied_on: GameHost, applied: Any, frame: Any) -> None:
        mock_clock.jump(BUSY_S)
        turns.append(len(seen))

    seen: list[int] = []

    async def others() -> None:
        while True:
            seen.append(1)
            await trio.lowlevel.checkpoint()

    monkeypatch.setattr(crowd, "applied", slow)
    entries = [LogEntry(1_000 + at, 1, f"west-{at}", join_entry(0, [])) for at in range(20)]

    class Together:
        async def receive(self) -> list[LogEntry]:
            if len(turns) < 20:
                return entries
            await trio.sleep_forever()
            return []

    @asynccontextmanager
    async def watch(*_: Any) -> AsyncIterator[Together]:
        yield Together()

    monkeypatch.setattr(KvGameStateRepository, "watch", watch)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        host._reader._watching.cancel()
        while len(turns) < 20:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert len(set(turns)) >= 5  # ten pauses; trio shuffles, so the others do not get a turn in each


async def test_a_watch_is_not_taken_for_mute_while_a_large_state_is_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(verify_s=0.02)
    host.follow(+1)
    await joined(host)
    written = trio.Event()
    change = Replica.meta_changed

    async def slowly(self: Replica, meta: GameMeta) -> Any:
        if self is host._replica:
            await written.wait()
        return await change(self, meta)

    monkeypatch.setattr(Replica, "meta_changed", slowly)
    raised = await world.repository.raise_generation(host.meta)
    assert raised is not None
    await world.repository.update(raised, "west-1", join_entry(META.created_at, []))
    asked = world.store.ranges
    while host.counters.mute_watches == 0 and world.store.ranges < asked + 10:  # noqa: ASYNC110 - others ask it
        await trio.sleep(0.01)
    assert host.counters.mute_watches == 0
    written.set()
    await host.catch_up()
    assert host.counters.rebuilds == 0


# Arrivals


async def turned(host: GameHost) -> None:
    """Another round."""
    for phase in ("closed", "open"):
        assert isinstance(await ask(host, SetPhase(phase=phase)), Outcome)


async def until(true: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not true():  # noqa: ASYNC110 - on a clock that jumps
            await trio.sleep(0.01)


async def test_each_node_tells_who_is_connected_to_it_when_a_round_opens(
    world: World, autojump_clock: MockClock
) -> None:
    east, _ = await world.host("east")
    west, _ = await world.host("west")
    for player in ("p-east", "p-west", "p-both", "p-left"):
        await joined(east, player)
    east.arrivals.came("p-east")
    west.arrivals.came("p-west")
    for host in (east, west, west):
        host.arrivals.came("p-both")
    west.arrivals.came("p-left")
    west.arrivals.left("p-left")
    west.arrivals.left("p-both")  # one of two tabs
    await turned(east)
    await until(lambda: len(west.game.state.dealt) == len(east.game.state.dealt) == 3)
    await trio.sleep(1)
    assert sorted(west.game.state.dealt) == ["p-both", "p-east", "p-west"]
    assert list(west.game.state.dealt) == list(east.game.state.dealt)


async def test_who_comes_while_a_round_is_open_arrives_and_one_without_an_account_does_not(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    await turned(host)
    entries = host.counters.entries
    host.arrivals.came("p-onlooker")
    await trio.sleep(1)
    assert host.counters.entries == entries
    host.arrivals.came("p-ann")
    await until(lambda: "p-ann" in host.game.state.dealt)
    assert list(host.game.state.dealt) == ["p-ann"]
    await trio.sleep(1)
    assert host.counters.entries == entries + 1


async def test_nobody_arrives_while_a_round_is_closed_but_when_the_next_opens(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host()
    await joined(host)
    await ask(host, SetPhase(phase="closed"))
    entries = host.counters.entries
    host.arrivals.came("p-ann")
    await trio.sleep(1)
    assert host.counters.entries == entries
    await ask(host, SetPhase(phase="open"))
    await until(lambda: "p-ann" in host.game.state.dealt)


async def test_who_is_here_arrives_once_the_store_takes_it_again(world: World, autojump_clock: MockClock) -> None:
    host, _ = await world.host()
    await joined(host)
    await turned(host)
    world.store.faults = [Fault.REFUSED] * 60
    host.arrivals.came("p-ann")
    await trio.sleep(5)
    world.store.faults = []
    await until(lambda: "p-ann" in host.game.state.dealt)


async def test_a_thousand_arrive_in_a_few_commands_and_a_command_goes_in_between(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _ = await world.host()
    players = [f"p-{number}" for number in range(1_000)]
    for player in players:
        host.execute(Join(player=player, name=player))
        host.arrivals.came(player)
    await until(lambda: len(host.game.state.dealt) == 1_000)
    seen: list[Any] = []
    execute = Game.apply_value

    def watched(self: Game, value: bytes, entry: Any = None) -> Any:
        seen.extend(decode_entry(value).commands)
        return execute(self, value, entry)

    monkeypatch.setattr(Game, "apply_value", watched)
    await turned(host)
    said = host.execute(Say(player="p-999", text="I am here"))
    await said
    assert len(host.game.state.dealt) < 1_000
    await until(lambda: len(host.game.state.dealt) == 1_000)
    arrived = [len(command.players) for command in seen if isinstance(command, Arrive)]
    assert sum(arrived) in (999, 1_000)
    assert len(arrived) <= 6


# Departures

GRACE_S = 15
NOTICED_S = 5.0
"""Who is missed for 2 s is told of with the next look, each 0.5 to 1.5 s."""


async def bidding(host: GameHost, player: str, *, careful: bool = True) -> None:
    """A player with an open order, who has chosen `cancel_on_disconnect` or not."""
    join = Join(player=player, name=player, cancel_on_disconnect=careful)
    assert isinstance(await ask(host, join), Outcome)
    await bid(host, player)


async def bid(host: GameHost, player: str) -> None:
    assert isinstance(await ask(host, PlaceOrder(player=player, good="grain", side="bid", qty=1, price=1)), Outcome)


def bids(host: GameHost) -> list[str]:
    accounts = host.game.state.accounts
    return sorted(player for player in host.game.state.players if accounts[player].orders)


def logged(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> list[Any]:
    """The commands of this kind that are applied from now on, by all hosts."""
    seen: list[Any] = []
    apply_value = Game.apply_value

    def watched(self: Game, value: bytes, entry: Any = None) -> Any:
        seen.extend(command for command in decode_entry(value).commands if isinstance(command, kind))
        return apply_value(self, value, entry)

    monkeypatch.setattr(Game, "apply_value", watched)
    return seen


async def test_who_is_nowhere_departs_and_loses_their_orders_though_nobody_follows(
    world: World, autojump_clock: MockClock
) -> None:
    gone = dict.fromkeys(("p-gone", "p-careless"))
    host, _ = await world.host(absent=lambda player: player in gone)
    for player in ("p-gone", "p-here"):
        await bidding(host, player)
    await bidding(host, "p-careless", careful=False)
    entries = host.counters.entries
    await trio.sleep(NOTICED_S)
    assert list(host.game.state.departed) == ["p-gone"]
    assert host.counters.entries == entries + 1
    await trio.sleep(GRACE_S - NOTICED_S)
    assert bids(host) == ["p-careless", "p-gone", "p-here"]
    await trio.sleep(NOTICED_S + 1)
    assert bids(host) == ["p-careless", "p-here"]
    entries = host.counters.entries
    await trio.sleep(50)
    assert host.counters.entries == entries


async def test_who_is_away_for_a_moment_adds_nothing_to_the_log(world: World, autojump_clock: MockClock) -> None:
    gone: dict[str, None] = {}
    host, _ = await world.host(absent=lambda player: player in gone)
    await bidding(host, "p-ann")
    entries = host.counters.entries
    for _ in range(20):
        gone["p-ann"] = None
        await trio.sleep(1.5)
        gone.clear()
        await trio.sleep(1.6)
    assert host.counters.entries == entries


async def test_a_node_that_errs_takes_nobodys_orders_who_is_connected_to_another(
    world: World, autojump_clock: MockClock
) -> None:
    """The register of one never shows the player; the other has their connection, before or after the departure."""
    east, _ = await world.host("east", absent=lambda player: True)
    west, _ = await world.host("west", absent=lambda player: True)
    west.arrivals.came("p-ann")
    for player in ("p-ann", "p-bob"):
        await bidding(east, player)
    await until(lambda: "p-ann" in east.game.state.departed)
    await trio.sleep(1)
    west.arrivals.came("p-bob")
    for _ in range(40):
        await trio.sleep(1)
        assert bids(west) == ["p-ann", "p-bob"]
    west.arrivals.left("p-bob")
    await trio.sleep(GRACE_S + 2 * NOTICED_S)
    assert bids(west) == ["p-ann"]


async def test_an_order_that_comes_in_after_its_player_departed_does_not_stay(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(absent=lambda player: True)
    await bidding(host, "p-ann")
    await trio.sleep(NOTICED_S + GRACE_S - 1)
    for _ in range(3):  # the last is in time to end the departure, and they are told of anew
        await bid(host, "p-ann")
    await trio.sleep(NOTICED_S)
    assert bids(host) == ["p-ann"]
    await trio.sleep(NOTICED_S + GRACE_S)
    assert bids(host) == []


async def test_a_node_that_does_not_know_how_old_its_picture_is_misses_nobody(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GameHost, "doubted", True)
    host, _ = await world.host(absent=lambda player: True)
    await bidding(host, "p-ann")
    entries = host.counters.entries
    await trio.sleep(100)
    assert host.counters.entries == entries
    monkeypatch.undo()
    await trio.sleep(NOTICED_S)
    assert list(host.game.state.departed) == ["p-ann"]


async def test_what_a_node_saw_before_it_stood_still_does_not_count(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradegame.core.games.departures.AWAY_S", 9.0)
    monkeypatch.setattr("tradegame.core.games.departures.LOOK_S", 9.0)  # so that no pause is under 4 s
    host, _ = await world.host(absent=lambda player: True)
    await bidding(host, "p-ann")
    await trio.sleep(100)
    assert bids(host) == ["p-ann"]


async def test_whose_departure_the_store_did_not_take_departs_once_it_does(
    world: World, autojump_clock: MockClock
) -> None:
    host, _ = await world.host(absent=lambda player: True)
    await bidding(host, "p-ann")
    world.store.faults = [Fault.REFUSED] * 100
    await trio.sleep(2 * NOTICED_S)
    world.store.faults = []
    await until(lambda: "p-ann" in host.game.state.departed)


async def test_a_thousand_depart_in_a_few_commands_and_all_their_orders_go_in_bounded_entries(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: dict[str, None] = {}
    hosts = [(await world.host(node, absent=lambda player: player in gone))[0] for node in ("east", "west")]
    players = [f"p-{number}" for number in range(1_000)]
    host = hosts[0]
    for player in players:
        host.execute(Join(player=player, name=player, cancel_on_disconnect=True))
    await until(lambda: len(host.game.state.players) == 1_000)
    for player in players:
        host.execute(PlaceOrder(player=player, good="grain", side="bid", qty=1, price=1))
    await until(lambda: len(bids(host)) == 1_000)
    departs = logged(monkeypatch, Depart)
    gone.update(dict.fromkeys(players))
    await trio.sleep(2 * NOTICED_S)
    assert len(host.game.state.departed) == 1_000
    told = {(command.players) for command in departs}
    assert max(map(len, told)) <= 200
    assert len(told) <= 8
    await until(lambda: bids(host) == [])
    assert host.game.withdrawal_at() is None


async def test_more_than_an_entry_withdraws_goes_without_a_pause_where_nobody_else_sends_anything(
    world: World, autojump_clock: MockClock
) -> None:
    gone: dict[str, None] = {}
    host, _ = await world.host(absent=lambda player: player in gone)
    players = [f"p-{number}" for number in range(40)]
    for player in players:
        host.execute(Join(player=player, name=player, cancel_on_disconnect=True))
        for _ in range(50):
            host.execute(PlaceOrder(player=player, good="grain", side="bid", qty=1, price=1))
    await until(lambda: sum(len(host.game.state.accounts[player].orders) for player in bids(host)) == 2_000)
    gone.update(dict.fromkeys(players))
    await trio.sleep(NOTICED_S + GRACE_S + 1)
    assert bids(host) == []


async def test_to_amend_an_order_to_come_weighs_little_unless_one_is_on_its_way(world: World) -> None:
    """Ids can be guessed. Five such commands of 10 us each were an entry, and whoever came next waited for hundreds."""
    host, _ = await world.host()
    await joined(host)
    for dusty in ("p-bob", "p-cid"):
        await joined(host, dusty)
        for _ in range(50):
            await ask(host, PlaceOrder(player=dusty, good="grain", side="bid", qty=1, price=1))

    async def entries(*first: PlaceOrder) -> int:
        before = host.counters.entries
        amends = [AmendOrder(player="p-ann", order=f"o{10**7 + number}", price=1) for number in range(40)]
        asked = [host.execute(command) for command in (*first, *amends)]
        with trio.fail_after(60):
            for each in asked:
                await each
        return host.counters.entries - before

    assert await entries() == 1
    assert await entries(PlaceOrder(player="p-ann", good="grain", side="bid", qty=1, price=1)) > 1
    assert await entries() == 1
    assert await entries(PlaceOrder(player="p-bob", good="grain", side="bid", qty=1, price=1)) == 1
