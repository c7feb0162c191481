"""Faults planted into the code under test, to see that the simulation would find them.

Each is a context manager with a name and a sentence, and says which checks must speak up: not any one, the right one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

import trio
from attrs import evolve, frozen
from msgspec import structs

from tests.simulation.client import Client
from tests.simulation.runtime import NODE
from tests.simulation.store import CALL_S
from tests.simulation.world import BASE_MS
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.outbox import Outbox
from tradegame.core.domain import game as domain_game
from tradegame.core.domain import house, snapshot
from tradegame.core.domain.game import Game
from tradegame.core.domain.keys import KeyService, stamp
from tradegame.core.domain.state import Effects
from tradegame.core.games.appender import Appender
from tradegame.core.games.arrivals import Arrivals
from tradegame.core.games.clock import NodeClock
from tradegame.core.games.departures import Departures
from tradegame.core.games.freshness import Freshness
from tradegame.core.games.generations import Generations
from tradegame.core.games.host import GameHost
from tradegame.core.games.replica import Replica
from tradegame.core.games.submissions import InFlight
from tradegame.core.membership.clock_watch import ClockWatch
from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.membership.watchdog import Watchdog
from tradegame.core.repositories import Appended, LeaseLostError, StoreUnavailableError
from tradegame.core.use_cases import submit
from tradegame.core.use_cases.join_game import JoinGameUseCase
from tradegame.infra.kv import KvConnectionRepository, KvGameStateRepository
from tradegame.infra.kv.metas import read_meta
from tradegame.infra.kv.port import Compare, KeyRange, Put
from tradegame.protocol.commands import Entry, Join
from tradegame.protocol.errors import UnavailableError

Plant = Callable[[], AbstractContextManager[None]]


@frozen
class PlantedFault:
    """``what`` is changed; one of the ``checks`` must find it, within so many seeds.

    ``found_at``: a seed in which it was found; looked at first. ``by_hash_seed``: only by comparing two hash seeds.
    """

    name: str
    what: str
    plant: Plant
    checks: tuple[str, ...]
    found_at: int
    within: int
    by_hash_seed: bool = False

    @property
    def slow(self) -> bool:
        """Whether it may take many seeds, should the code have changed since it was found."""
        return self.within > FEW


FEW = 50
PLANTED: dict[str, PlantedFault] = {}


def planted(
    what: str, *checks: str, found_at: int = 1, within: int = FEW, by_hash_seed: bool = False
) -> Callable[[Callable[[], Iterator[None]]], Plant]:
    """Enter a fault in the list, under its function's name."""

    def enter(function: Callable[[], Iterator[None]]) -> Plant:
        plant = contextmanager(function)
        PLANTED[function.__name__] = PlantedFault(
            function.__name__, what, plant, checks, found_at, within, by_hash_seed
        )
        return plant

    return enter


@contextmanager
def patched(owner: Any, name: str, new: Any) -> Iterator[None]:
    with mock.patch.object(owner, name, new):
        yield


def on_an_odd_node() -> bool:
    """Whether this is run by node n1; the replay of the log is nobody's."""
    return NODE.get("").startswith("n1")


# The log


@planted(
    "after an append without an answer the entry is appended again under a new id",
    "logged_as_often_as_sent",
    found_at=10,
)
def a_blind_second_append() -> Iterator[None]:
    async def update(self: KvGameStateRepository, meta: Any, entry_id: str, value: bytes) -> Any:
        keys, tries, deadline = self._keys(meta.game), 0, trio.current_time() + 2 * CALL_S
        while trio.current_time() < deadline:
            key = keys.entry(meta.generation, f"{entry_id}-{tries}" if tries else entry_id)
            try:
                result = await self._kv.transaction(
                    [Compare(keys.meta, meta.revision), Compare(key, 0)], [Put(key, value)]
                )
                if result.succeeded:
                    return Appended(meta)
                _, meta = await read_meta(self._kv, keys)
            except StoreUnavailableError:
                tries += 1
        raise StoreUnavailableError("no answer", definite=False)

    with patched(KvGameStateRepository, "update", update):
        yield


@planted("the append's transaction does not compare the game's meta", "entries_are_appended_once")
def no_fence() -> Iterator[None]:
    async def unfenced(self: KvGameStateRepository, meta: Any, entry_id: str, value: bytes) -> Any:
        keys = self._keys(meta.game)
        key = keys.entry(meta.generation, entry_id)
        deadline = trio.current_time() + 2 * CALL_S
        while True:
            try:
                await self._kv.transaction([Compare(key, 0)], [Put(key, value)])
            except StoreUnavailableError:
                if trio.current_time() >= deadline:
                    raise
            else:
                return Appended(meta)

    with patched(KvGameStateRepository, "update", unfenced):
        yield


@planted("a node applies its own entry though it has not seen the one before it", "streams_are_the_log")
def own_entries_come_first() -> Iterator[None]:
    with patched(Replica, "is_next", lambda self, entry, after: entry.revision > self.revision):
        yield


@planted("a command is answered before its entry is appended", "acknowledged_is_there")
def answered_before_appended() -> Iterator[None]:
    append = Appender._append

    async def early(self: Appender, submissions: Any) -> None:
        if any(isinstance(submission.command, Join) for submission in submissions):
            return await append(self, submissions)  # its answer shows the account, which is not there yet
        guess = snapshot.load(snapshot.dump(self.replica.game)).apply_value(
            InFlight.of(self.now_ms(), submissions).value
        )
        for submission, outcome in zip(submissions, guess.outcomes, strict=True):
            submission.settle(outcome)
        self.answered()
        return await append(self, submissions)

    with patched(Appender, "_append", early):
        yield


@planted(
    "a write of which nobody knows whether it happened is reported definite",
    "logged_as_often_as_sent",
    found_at=38,
    within=200,
)
def unknown_is_called_definite() -> Iterator[None]:
    with patched(UnavailableError, "definite", True):
        yield


@planted("a snapshot holds the entry after its place, too", "snapshots_are_the_log", "no_errors_are_logged")
def a_snapshot_one_entry_late() -> Iterator[None]:
    save = Generations._save

    async def late(self: Generations, boundary: Any) -> None:
        replica, entries = self.replica, self.replica.game.state.entries
        with trio.move_on_after(5):
            while replica.game.state.entries == entries:  # noqa: ASYNC110 - nothing tells of it here
                await trio.sleep(0.01)
        state = snapshot.dump(replica.game)
        await save(self, evolve(boundary, state=state, digest=snapshot.digest(state)))

    with patched(Generations, "_save", late):
        yield


# Keys


@planted("no key is remembered", "one_effect_at_most", found_at=2)
def a_lost_dedupe() -> Iterator[None]:
    outcome = Game._outcome

    def forgetful(self: Game, command: Any, effects: Any) -> Any:
        result = outcome(self, command, effects)
        player = self.state.players.get(command.player)
        if player is not None and player.keys.pop(command.key, None) is not None:
            player.ever -= 1
        return result

    with patched(Game, "_outcome", forgetful):
        yield


@planted("one node of three remembers no key", "no_errors_are_logged", "streams_are_the_log", "replicas_agree")
def a_key_forgotten_by_one_node() -> Iterator[None]:
    outcome = Game._outcome

    def forgetful(self: Game, command: Any, effects: Any) -> Any:
        result = outcome(self, command, effects)
        if on_an_odd_node() and command.key and (player := self.state.players.get(command.player)) is not None:
            player.keys.pop(command.key, None)
        return result

    with patched(Game, "_outcome", forgetful):
        yield


@planted("what the game has forgotten is a new command", "one_effect_at_most", found_at=2)
def late_copies_are_done() -> Iterator[None]:
    with patched(KeyService, "refusal", lambda self, player, command: None):
        yield


@planted("another key than the oldest is forgotten", "one_effect_at_most", found_at=4)
def any_key_is_forgotten() -> Iterator[None]:
    remember = KeyService.remember

    def forgetful(self: KeyService, player: Any, *rest: Any) -> None:
        remember(self, player, *rest)
        if len(player.keys) > 2:
            del player.keys[list(player.keys)[1]]

    with patched(KeyService, "remember", forgetful):
        yield


@planted("a command is done in whatever game it comes to", "no_command_outlives_its_game", found_at=12)
def a_command_outlives_its_game() -> Iterator[None]:
    outcome = Game._outcome

    def any_epoch(self: Game, command: Any, effects: Effects) -> Any:
        return outcome(self, structs.replace(command, epoch=None), effects)

    with patched(Game, "_outcome", any_epoch):
        yield


@planted("an account that is made anew counts its keys from 0", "one_effect_at_most", found_at=66, within=100)
def a_new_account_counts_from_nothing() -> Iterator[None]:
    join = Game._join

    def from_nothing(self: Game, command: Join, effects: Effects) -> Any:
        new = command.player not in self.state.players
        sent = join(self, command, effects)
        if new:
            self.state.players[command.player].ever = 0
        return sent

    with patched(Game, "_join", from_nothing):
        yield


@planted("a copy of the call that deleted a game deletes it again", "games_end_when_they_are_deleted", found_at=9)
def a_late_call_deletes_anew() -> Iterator[None]:
    delete = KvGameStateRepository.delete

    async def anew(self: KvGameStateRepository, game: str, call: Any = None) -> bool:
        return await delete(self, game)

    with patched(KvGameStateRepository, "delete", anew):
        yield


@planted(
    "a node that has not heard of its end takes a game that is gone for the present",
    "no_stale_join",
    "nobody_is_shown_a_game_that_is_over",
    found_at=212,
    within=300,
)
def a_game_that_is_gone_is_the_present() -> Iterator[None]:
    async def newest_after(self: KvGameStateRepository, game: str, revision: int) -> int | None:
        found = await self._kv.range(KeyRange(self._keys(game).tail))
        newest = found.pairs[0].mod_revision if found.pairs else 0
        return newest if newest > revision else None

    with patched(KvGameStateRepository, "newest_after", newest_after):
        yield


@planted("a client says in each copy what it was told by then", "copies_say_the_same", "one_effect_at_most", found_at=2)
def copies_say_the_newest() -> Iterator[None]:
    send = Client._send

    def anew(self: Client, session: Any, command: Any) -> None:
        command.fields.pop("since", None)
        send(self, session, command)

    with patched(Client, "_send", anew):
        yield


@planted("a node says of every command what it knows now", "copies_say_the_same", "one_effect_at_most", found_at=2)
def nodes_say_what_they_know() -> Iterator[None]:
    def know_better(state: Any, command: Any) -> None:
        command.since = None
        stamp(state, command)

    with patched(submit, "stamp", know_better):
        yield


# apply


@planted("apply looks at the clock", "streams_are_the_log")
def apply_reads_the_clock() -> Iterator[None]:
    apply = Game._apply

    def impure(self: Game, entry: Any) -> Any:
        try:
            now = BASE_MS + int(trio.current_time() * 1000)
        except RuntimeError:
            now = 0
        return apply(self, Entry(max(entry.at, now), entry.commands))

    with patched(Game, "_apply", impure):
        yield


@planted("the house draws its steps from the process's own chance", "no_errors_are_logged", "streams_are_the_log")
def apply_is_random() -> Iterator[None]:
    with patched(house, "draw_between", lambda state, low, high: (state, random.randint(low, high))):
        yield


@planted("an entry's book changes come in the order of a set", "one_story_under_every_hash_seed", by_hash_seed=True)
def a_set_is_iterated() -> Iterator[None]:
    class Books(dict[str, None]):
        def __iter__(self) -> Iterator[str]:
            return iter(set(self.keys()))

    class Unordered(Effects):
        def __init__(self, at: int) -> None:
            super().__init__(at)
            self.books = Books()

    with patched(domain_game, "Effects", Unordered):
        yield


@planted(
    "hashes are not compared at a boundary, and one node remembers no key",
    "replicas_agree",
    "replicas_are_the_log",
    "streams_are_the_log",
)
def a_diverged_replica_goes_on() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patched(Replica, "_compare", lambda *_: None))
        stack.enter_context(PLANTED["a_key_forgotten_by_one_node"].plant())
        yield


# Streams


@planted("who resumes misses the first frame", "streams_have_no_gap_and_no_repeat")
def a_resume_off_by_one() -> Iterator[None]:
    follow = Hub.follow

    def short(self: Hub, client: Any, host: GameHost, after: int, **how: Any) -> None:
        follow(self, client, host, min(after + 1, host.game.state.seq), **how)

    with patched(Hub, "follow", short):
        yield


@planted("no node tells who is here when a round opens", "who_is_here_is_dealt_to", found_at=8)
def nobody_arrives() -> Iterator[None]:
    def not_told(self: Arrivals) -> None:
        pass

    with patched(Arrivals, "look", not_told):
        yield


@planted("no node tells who has left", "departures_are_true", found_at=20)
def nobody_departs() -> Iterator[None]:
    with patched(Departures, "_next", lambda *_: ()):
        yield


@planted(
    "a node takes whoever is connected to another for gone, and that one does not say that they are here",
    "who_is_connected_keeps_their_orders",
    "departures_are_true",
    found_at=4,
)
def a_wrong_departure_stands() -> Iterator[None]:
    with patched(Presence, "absent", lambda *_: True), patched(Arrivals, "look_after", lambda *_: None):
        yield


@planted("an outbox that is full drops what waits, and goes on", "streams_have_no_gap_and_no_repeat", found_at=5)
def a_frame_dropped_on_overflow() -> Iterator[None]:
    offer = Outbox.offer

    def silently(self: Outbox, frame: Any) -> bool:
        offer(self, frame)
        return True

    with patched(Outbox, "offer", silently):
        yield


@planted(
    "followers are not sent away when frames are missing for good", "streams_have_no_gap_and_no_repeat", found_at=8
)
def a_gap_left_to_the_next_frame() -> Iterator[None]:
    def on_they_go(self: Hub, host: GameHost) -> None:
        crowd = self._crowds.get(host)
        for subscription in crowd.subscriptions if crowd is not None else ():
            subscription.seq = host.game.state.seq

    with patched(Hub, "restarted", on_they_go):
        yield


@planted("a watch that fell silent is never looked into", "nodes_are_ready", "clients_settle")
def a_silent_watch() -> Iterator[None]:
    async def never(self: Freshness) -> None:
        await trio.sleep_forever()

    with patched(Freshness, "verify_watch", never):
        yield


@planted("a join does not ask the store whether this node is up to date", "no_stale_join")
def joins_do_not_catch_up() -> Iterator[None]:
    async def at_once(self: JoinGameUseCase, host: GameHost) -> None:
        await trio.lowlevel.checkpoint()

    with patched(JoinGameUseCase, "_catch_up", at_once):
        yield


@planted(
    "a node that stood still does not notice, and does not ask the store whether it is up to date",
    "no_stale_join",
)
def a_stale_node_serves() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patched(Watchdog, "look", lambda *_: None))
        stack.enter_context(patched(GameHost, "doubt", lambda *_: None))
        stack.enter_context(PLANTED["joins_do_not_catch_up"].plant())
        yield


# The register, and clocks


@planted("a lease that is lost is taken for kept", "leases_are_retaken")
def a_lease_not_retaken() -> Iterator[None]:
    keep_alive = KvConnectionRepository.keep_alive

    async def unworried(self: KvConnectionRepository, node: Any) -> float:
        try:
            return await keep_alive(self, node)
        except LeaseLostError:
            return 10.0

    with patched(KvConnectionRepository, "keep_alive", unworried):
        yield


@planted(
    "connections are not written again after a lease was lost", "leases_are_retaken", "presence_is_true", found_at=5
)
def presence_not_rewritten() -> Iterator[None]:
    class Deaf(dict[str, Any]):
        def update(self, *_: Any, **__: Any) -> None:
            """Takes nothing in."""

    register = ConnectionRegister._register

    async def once(self: ConnectionRegister) -> None:
        await register(self)
        self._dirty = Deaf(self._dirty)

    with ExitStack() as stack:
        stack.enter_context(patched(ConnectionRegister, "_register", once))
        stack.enter_context(patched(ConnectionRegister, "connections_seen", lambda *_: None))
        yield


@planted(
    "what the register says of a node's own connections is not looked at",
    "presence_is_true",
    "leases_are_retaken",
    found_at=269,
    within=500,
)
def a_late_write_stays() -> Iterator[None]:
    with patched(ConnectionRegister, "connections_seen", lambda *_: None):
        yield


@planted("a node whose clock is wrong appends all the same", "clocks_are_trusted_with_reason", found_at=13)
def a_wrong_clock_appends() -> Iterator[None]:
    """Both that hold it back: a step waits, and the others' clocks are heard."""
    with patched(ClockWatch, "wrong", lambda self: None), patched(NodeClock, "now_ms", lambda self: self.wall_ms()):
        yield
