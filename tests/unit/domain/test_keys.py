"""At most once: copies of a command, forgetting, and an adversary that keeps every copy for ever."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.domain import BEGIN, Table, code, define_game
from tradegame.core.domain import keys as rule
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import GoodDefinition
from tradegame.core.domain.events import Rejected
from tradegame.core.domain.game import Game
from tradegame.core.domain.keys import KEYS_AGE_S, KEYS_KEPT, TURN_EVERY, KeyService
from tradegame.core.domain.state import Player
from tradegame.protocol.bounds import KEYS_REMEMBERED
from tradegame.protocol.commands import Entry, Join
from tradegame.protocol.requests import Say

AGE_MS = KEYS_AGE_S * 1_000


def say(key: str, since: int, player: str = "ann", **fields: Any) -> Say:
    return Say(player=player, text="hi", key=key, since=since, **fields)


def ann(table: Table) -> Player:
    return table.game.state.players["ann"]


def say_many(table: Table, first: int, count: int, player: str = "ann") -> None:
    for number in range(first, first + count):
        table.say(player, "hi", key=f"k{number}")


# The rule


def test_a_late_copy_of_a_command_that_is_forgotten_is_stale_and_leaves_no_trace() -> None:
    table = Table.of("ann")
    say_many(table, 0, KEYS_REMEMBERED + 1)
    before = ann(table).ever, dict(ann(table).keys), len(table.game.state.messages)
    (outcome,) = table.entry(say("k0", since=0)).outcomes
    assert code(outcome.result) == "stale"
    assert outcome.keys == KEYS_REMEMBERED + 1
    assert (ann(table).ever, ann(table).keys, len(table.game.state.messages)) == before


def test_the_same_key_said_with_what_the_player_was_told_now_is_a_new_command() -> None:
    table = Table.of("ann")
    say_many(table, 0, KEYS_REMEMBERED + 1)
    (outcome,) = table.entry(say("k0", since=ann(table).ever)).outcomes
    assert not isinstance(outcome.result, Rejected)
    assert not outcome.replayed


def test_every_outcome_of_a_key_tells_how_many_keys_there_were() -> None:
    table = Table.of("ann")
    assert table.entry(say("a", 0), say("b", 0), say("a", 0)).outcomes[2].keys == 2
    assert [outcome.keys for outcome in table.entry(say("c", 0), say("d", 0)).outcomes] == [3, 4]
    assert table.entry(Say(player="ann", text="hi")).outcomes[0].keys is None


def test_who_says_no_since_is_believed_as_long_as_nothing_was_forgotten() -> None:
    game = Table.of("ann").game

    def do(number: int) -> Any:
        return game.apply(Entry(BEGIN, (Say(player="ann", text="hi", key=f"k{number}"),))).outcomes[0].result

    for number in range(KEYS_REMEMBERED + 1):
        assert not isinstance(do(number), Rejected)
    assert code(do(1_000)) == "stale"


def test_a_since_that_nobody_was_ever_told_is_refused() -> None:
    table = Table.of("ann")
    assert code(table.do(say("k", since=1))) == "ahead"
    assert not isinstance(table.do(say("k", since=0)), Rejected)


def test_a_command_of_another_life_of_the_game_touches_nothing() -> None:
    table = Table.of("ann")
    table.ask("ann", 5, 10)
    before = snapshot.dump(table.game)
    for key in ("k", None):
        (outcome,) = table.entry(Say(player="ann", text="hi", key=key, epoch="other")).outcomes
        assert code(outcome.result) == "epoch_over"
        assert outcome.keys is None
    assert code(table.do(Join(player="bob", name="Bob", epoch="other"))) == "epoch_over"
    after = snapshot.load(snapshot.dump(table.game))
    after.state.chain, after.state.entries, after.state.commands = (
        getattr(snapshot.load(before).state, name) for name in ("chain", "entries", "commands")
    )
    assert snapshot.dump(after) == before
    assert not isinstance(table.do(Say(player="ann", text="hi", epoch="epoch")), Rejected)


def test_joining_again_needs_no_since_and_takes_no_key() -> None:
    table = Table.of()
    table.join("ann", key="join")
    say_many(table, 0, KEYS_REMEMBERED)
    before = ann(table).ever
    for epoch in (None, "other"):
        (outcome,) = table.entry(Join(player="ann", name="Ann", key="join", since=0, epoch=epoch)).outcomes
        assert not isinstance(outcome.result, Rejected)
        assert not outcome.replayed
        assert outcome.keys == ann(table).ever == before


def test_a_new_account_begins_with_all_keys_that_the_game_ever_remembered() -> None:
    table = Table.of("ann")
    say_many(table, 0, 30)
    table.join("bob", key="join")
    bob = table.game.state.players["bob"]
    assert (bob.ever, len(bob.keys)) == (31, 1)
    assert code(table.do(say("k", since=29, player="bob"))) == "stale"
    assert not isinstance(table.do(say("k", since=30, player="bob")), Rejected)


# Forgetting


def test_only_the_oldest_key_is_forgotten_for_256_newer_ones() -> None:
    table = Table.of("ann")
    say_many(table, 0, KEYS_REMEMBERED + 7)
    assert list(ann(table).keys) == [f"k{number}" for number in range(7, KEYS_REMEMBERED + 7)]


def test_keys_of_ten_minutes_ago_are_forgotten_but_for_the_newest_eight() -> None:
    table = Table.of("ann", "bob")
    say_many(table, 0, 100)
    table.at += AGE_MS + 1_000
    say_many(table, 0, 100, "bob")  # whoever gives a command makes room, whosever keys they are
    assert list(ann(table).keys) == [f"k{number}" for number in range(92, 100)]
    table.at += AGE_MS + 1_000
    say_many(table, 100, 8)  # one in four makes room, and bob has a turn, too
    assert list(ann(table).keys) == [f"k{number}" for number in range(100, 108)]


def test_no_key_is_forgotten_for_its_age_before_ten_minutes_are_over() -> None:
    table = Table.of("ann")
    say_many(table, 0, 20)
    table.at += AGE_MS - 1_000
    say_many(table, 20, 20)
    assert len(ann(table).keys) == 40


def test_keys_that_stayed_for_being_new_are_forgotten_when_they_no_longer_are() -> None:
    table = Table.of("ann")
    say_many(table, 0, KEYS_KEPT)
    table.at += 10 * AGE_MS
    say_many(table, KEYS_KEPT, KEYS_KEPT)
    assert list(ann(table).keys) == [f"k{number}" for number in range(KEYS_KEPT, 2 * KEYS_KEPT)]


def test_a_command_makes_room_for_few_keys_only_and_all_get_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    players = [f"p{number}" for number in range(20)]
    table = Table.of(*players)
    for player in players:
        say_many(table, 0, 40, player)
    table.at += AGE_MS + 1_000
    held = 20 * 40
    for turn in range(2 * len(players) * TURN_EVERY):
        table.say("p0", "hi", key=f"later{turn}")
        now = sum(len(player.keys) for player in table.game.state.players.values())
        assert held - now <= 16
        held = now
    assert {len(table.game.state.players[player].keys) for player in players[1:]} == {KEYS_KEPT}


def test_who_has_gone_is_passed_over() -> None:
    table = Table.of("ann", "bob")
    say_many(table, 0, 20)
    del table.game.state.players["ann"], table.game.state.accounts["ann"]
    say_many(table, 0, 20, "bob")
    assert "ann" not in table.game.state.aging


def test_the_turns_go_on_from_a_snapshot() -> None:
    table = Table.of("ann", "bob", "cid")
    for player in ("cid", "ann", "bob"):
        say_many(table, 0, 20, player)
    twin = snapshot.load(snapshot.dump(table.game))
    assert twin.state.aging == table.game.state.aging
    for game in (table.game, twin):
        game.apply(Entry(BEGIN + 2 * AGE_MS, (say("x", 20),)))
    assert snapshot.dump(twin) == snapshot.dump(table.game)


def test_what_a_players_keys_take_is_bounded_and_mostly_freed_after_ten_minutes() -> None:
    """docs/OPERATIONS.md, section 2: 52 KiB of memory and 25 KB of a snapshot a player, then 2.5 each."""
    players = [f"p{number:015d}" for number in range(20)]
    table = Table.of(*players)

    def a_player_takes() -> tuple[float, float]:
        everybody = table.game.state.players.values()
        kept = [sys.getsizeof(player.keys) for player in everybody]
        kept += [sys.getsizeof(text) for player in everybody for item in player.keys.items() for text in item]
        return sum(kept) / len(players) / 1024, len(snapshot.dump(table.game)) / len(players) / 1000

    for number in range(KEYS_REMEMBERED):
        table.entry(*(say(f"0123456789ab-{number}", number, player) for player in players))
    memory, written = a_player_takes()
    assert 25 < memory < 56
    assert 10 < written < 27
    table.at += AGE_MS + 1_000
    for number in range(KEYS_REMEMBERED, KEYS_REMEMBERED + 20 * TURN_EVERY):
        say_many(table, number * 20, 20, players[0])
    memory, written = a_player_takes()
    assert memory < 5
    assert written < 4


# An adversary that keeps every copy for ever


def world(seed: int, steps: int, remembered: int) -> Counter[str]:
    """Clients over several connections, and a network that delivers any copy at any time, again and again.

    Accounts are removed and made anew; the clock jumps; states go through snapshots. Returns what became of the copies.
    Asserts that none is done twice.
    """
    rng, game = (
        random.Random(seed),
        Game.create(define_game(cash=0, goods={"grain": GoodDefinition()}), "e", BEGIN, seed),
    )
    at, made = BEGIN, 0
    told: dict[tuple[str, int], int] = {}  # by player and tab: each hears of its own answers alone
    copies: list[tuple[Say, tuple[str, int]]] = []
    done: Counter[tuple[str, str]] = Counter()
    came: Counter[str] = Counter()
    players = ["ann", "bob", "cid"]
    for _ in range(steps):
        at += rng.choice((0, 0, 5, 1_000, 60_000, 700_000))
        player, tab = rng.choice(players), rng.randrange(3)
        drawn = rng.random()
        if drawn < 0.01:
            game.state.players.pop(player, None)
            game.state.accounts.pop(player, None)
        elif drawn < 0.02:
            game = snapshot.load(snapshot.dump(game))
        if player not in game.state.players:
            game.apply(Entry(at, (Join(player=player, name=player),)))
        if (player, tab) not in told or rng.random() < 0.01:
            told[player, tab] = game.state.players[player].ever  # a join, or a reload
        if rng.random() < 0.5 or not copies:
            made += 1
            copies.append((say(f"k{made}", told[player, tab], player), (player, tab)))
        chosen = [copies[-1]] if rng.random() < 0.4 else rng.choices(copies, k=rng.randint(1, 4))
        chosen += [copies[-rng.randint(1, min(len(copies), remembered))] for _ in range(rng.randrange(3))]
        applied = game.apply(Entry(at, tuple(replace(command) for command, _ in chosen)))
        assert audit(game.state) == [] or made % 50
        for (command, by), outcome in zip(chosen, applied.outcomes, strict=True):
            result = outcome.result
            what = "replayed" if outcome.replayed else result.code if isinstance(result, Rejected) else "done"
            came[what] += 1
            assert command.key is not None
            done[command.player, command.key] += what == "done"
            if outcome.keys is not None and rng.random() < 0.7:
                told[by] = max(told[by], outcome.keys)
    came["doubled"] = sum(times > 1 for times in done.values())
    return came


@pytest.mark.parametrize("remembered", [256, 20, 12])
@pytest.mark.parametrize("seed", range(3))
def test_no_copy_is_ever_done_twice(seed: int, remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "KEYS_REMEMBERED", remembered)
    came = world(seed, 3_000, remembered)
    assert came["doubled"] == 0
    assert min(came["done"], came["replayed"], came["stale"]) > 200


def by_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule of before: whatever is forgotten is a new command."""
    monkeypatch.setattr(KeyService, "refusal", lambda self, player, command: None)


def any_key_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    remember = KeyService.remember

    def forgetful(self: KeyService, player: Player, *rest: Any) -> None:
        remember(self, player, *rest)
        if len(player.keys) > KEYS_KEPT:
            del player.keys[list(player.keys)[len(player.keys) // 2]]

    monkeypatch.setattr(KeyService, "remember", forgetful)


def counts_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is removed and made anew begins to count at 0."""
    apply = Game.apply

    def forgetful(self: Game, entry: Entry) -> Any:
        applied = apply(self, entry)
        for command in entry.commands:
            if isinstance(command, Join):
                self.state.players[command.player].ever = 0
        return applied

    monkeypatch.setattr(Game, "apply", forgetful)


@pytest.mark.parametrize("broken", [by_number_alone, any_key_may_go, counts_begin_anew])
def test_each_part_of_the_rule_is_needed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule, "KEYS_REMEMBERED", 20)
    broken(monkeypatch)
    assert any(world(seed, 3_000, 20)["doubled"] for seed in range(3))


@given(st.data())
def test_no_order_of_copies_does_one_twice(data: st.DataObject) -> None:
    """The same in small, for Hypothesis to shrink: few keys, few commands, any delivery, any time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule, "KEYS_REMEMBERED", 3)
        patch.setattr(rule, "KEYS_KEPT", 1)
        game, at = Table.of("ann").game, BEGIN
        copies: list[Say] = []
        told = 0
        done: dict[str | None, int] = defaultdict(int)
        for number in range(data.draw(st.integers(1, 25))):
            at += data.draw(st.sampled_from([0, AGE_MS]))
            if not copies or data.draw(st.booleans()):
                copies.append(say(f"k{number}", data.draw(st.integers(0, told))))
            command = data.draw(st.sampled_from(copies))
            (outcome,) = game.apply(Entry(at, (replace(command),))).outcomes
            if not outcome.replayed and not isinstance(outcome.result, Rejected):
                done[command.key] += 1
                assert done[command.key] == 1
            assert outcome.keys is not None
            told = max(told, outcome.keys)
