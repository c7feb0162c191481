"""What the log keeps: entries, snapshots, definitions, and the chain over them all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import BEGIN, LIVELY, Table, define_game, house
from tests.unit.domain.strategies import commands, definitions
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    NewsDefinition,
    RoundsDefinition,
    from_json,
    to_json,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Command, Entry, SetPhase, decode_entry, encode_entry
from tradegame.protocol.requests import BuyGood, Say

# Entries


@given(st.integers(), st.lists(commands))
def test_an_entry_comes_back_as_it_was_written(at: int, some: list[Command]) -> None:
    entry = Entry(at, tuple(some))
    value = encode_entry(entry)
    assert decode_entry(value) == entry
    assert b"\n" not in value


def test_an_entry_is_readable_json_without_what_is_not_said() -> None:
    entry = Entry(
        5, (BuyGood(player="ann", good="grain", qty=3), Say(player="ann", text="größe", key="k", since=7, epoch="e"))
    )
    assert encode_entry(entry).decode() == (
        '{"schema":1,"at":5,"commands":[{"op":"buy","player":"ann","good":"grain","qty":3},'
        '{"op":"say","player":"ann","key":"k","since":7,"epoch":"e","text":"größe"}]}'
    )


GOOD: dict[str, Any] = {"op": "order", "player": "ann", "good": "grain", "side": "bid", "qty": 1, "price": 1}


def written(*commands: Any, **fields: Any) -> bytes:
    return json.dumps({"schema": 1, "at": 5, "commands": list(commands), **fields}).encode()


def test_what_the_bad_entries_below_are_made_of_is_good() -> None:
    assert len(decode_entry(written(GOOD)).commands) == 1


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"schema":1,"at":5,"commands":[{"op":"say","player":"a","text":"\xe4"}]}',
        written(GOOD).decode().encode("utf-16"),
        b"[" * 100_000,
        b"null",
        b"[]",
        b"5",
        b"{}",
        b'{"schema":1,"at":5}',
        b'{"schema":1,"commands":[]}',
        written(schema=2),
        written(schema="1"),
        written(schema=None),
        written(at=5.0),
        written(at="5"),
        written(at=True),
        written(at=None),
        written(commands=None),
        written(commands="buy"),
        written(commands={"op": "buy"}),
        written(None),
        written("buy"),
        written([]),
        written({}),
        written({**GOOD, "op": "dance"}),
        written({**GOOD, "op": ["order"]}),
        written({**GOOD, "more": 1}),
        written({name: value for name, value in GOOD.items() if name != "qty"}),
        written({name: value for name, value in GOOD.items() if name != "player"}),
        written({**GOOD, "player": None}),
        written({**GOOD, "player": 5}),
        written({**GOOD, "key": 5}),
        written({**GOOD, "good": None}),
        written({**GOOD, "side": "buy"}),
        written({**GOOD, "side": None}),
        written({**GOOD, "qty": "1"}),
        written({**GOOD, "qty": 1.0}),
        written({**GOOD, "qty": True}),
        written({**GOOD, "qty": 0}),
        written({**GOOD, "price": -1}),
        written({"op": "buy", "player": "ann", "good": "grain", "qty": 1, "limit": 0}),
        written({"op": "say", "player": "ann", "text": None}),
        written({"op": "say", "player": "ann", "text": "\ud800"}),
        written({"op": "say", "player": "ann", "text": "hi", "to": 5}),
        written({"op": "phase", "phase": "half"}),
        written({"op": "phase", "phase": "open", "player": None}),
        written({"op": "news", "text": "hi", "anchor_bps": None}),
        written({"op": "news", "text": "hi", "anchor_bps": 0.5}),
    ],
    ids=lambda value: value[:60].decode(errors="replace"),
)
def test_anything_but_an_entry_is_a_value_error_and_leaves_no_trace(value: bytes) -> None:
    table = Table.of("ann")
    before = snapshot.dump(table.game)
    with pytest.raises(ValueError):  # noqa: PT011 - several kinds of it
        table.game.apply_value(value)
    assert snapshot.dump(table.game) == before


def test_text_that_only_looks_like_an_escape_is_text() -> None:
    entry = Entry(5, (Say(player="ann", text="\\ud800 \\u"),))
    assert decode_entry(encode_entry(entry)) == entry


# The chain


def test_every_entry_changes_the_chain_and_so_does_its_place() -> None:
    def chain(*entries: Entry) -> str:
        table = Table.of()
        for entry in entries:
            table.game.apply(entry)
        return table.game.state.chain

    one, other = Entry(BEGIN), Entry(BEGIN + 1)
    assert len({chain(), chain(one), chain(other), chain(one, other), chain(other, one)}) == 5
    assert chain(one, other) == chain(one, other)


def test_the_chain_begins_with_all_that_a_game_is_made_of() -> None:
    definition = define_game()
    games = [
        Game.create(definition, "e", BEGIN, 1),
        Game.create(definition, "f", BEGIN, 1),
        Game.create(definition, "e", BEGIN + 1, 1),
        Game.create(definition, "e", BEGIN, 2),
        Game.create(define_game(fee_bps=1), "e", BEGIN, 1),
        Game.create(define_game(title="T"), "e", BEGIN, 1),
    ]
    assert len({game.state.chain for game in games}) == len(games)


def test_the_chain_begins_the_same_on_every_python() -> None:
    """Were it made of a ``repr``, it would depend on which characters a Python's Unicode tables call printable.

    Another value here is another version of the rules: nodes of the old and the new code would not agree.
    """
    game = Game.create(define_game(title="\U0001fae9"), "e", BEGIN, 1)
    assert game.state.chain == "b8e5cf5d4879ad80b9abcba0d7b3708571881ef522ac0d1c9db96298cddd33d9"


def test_entries_and_commands_are_counted() -> None:
    table = Table.of("ann")
    table.entry(Say(player="ann", text="hi"), SetPhase(phase="open"))
    table.entry()
    assert (table.game.state.entries, table.game.state.commands) == (3, 3)


# Snapshots


def test_a_snapshot_of_another_schema_is_refused() -> None:
    head, *lines = snapshot.lines(Table.of("ann").game)
    data = json.loads(head)
    for schema in (1, 2, 4, None, "3"):
        with pytest.raises(ValueError, match="schema"):
            snapshot.load(json.dumps({**data, "schema": schema}).encode())
    with pytest.raises(ValueError):  # noqa: PT011 - json's own
        snapshot.load(b"{")
    with pytest.raises(ValueError, match="schema"):
        snapshot.load(b"")
    with pytest.raises(ValueError, match="ends early"):
        snapshot.load(b"".join([head, *lines[:-1]]))


def test_a_snapshot_holds_the_whole_state() -> None:
    table = Table.of("ann", "bob", rounds=RoundsDefinition(open_s=60), title="ü")
    table.ask("ann", 5, 10)
    table.bid("bob", 5, 9)
    table.buy("bob", 2, key="k")
    table.sell("bob", 1, limit=99, key="l")
    table.cancel("bob", "o2")
    table.say("ann", "☂")
    dumped = snapshot.dump(table.game)
    loaded = snapshot.load(dumped)
    assert snapshot.dump(loaded) == dumped
    assert snapshot.state_hash(loaded) == snapshot.digest(dumped)
    assert loaded.due_at() == table.game.due_at()
    assert Table(loaded).book() == table.book()
    assert loaded.state.players == table.game.state.players
    assert loaded.state.messages == table.game.state.messages
    assert loaded.state.messages.maxlen == 50


# Definitions


@given(definitions())
def test_a_definition_comes_back_from_json(definition: GameDefinition) -> None:
    assert from_json(json.loads(json.dumps(to_json(definition)))) == definition


def test_a_sound_definition_has_no_problems() -> None:
    assert problems(LIVELY) == problems(define_game()) == []


GRAIN = GoodDefinition(house=house())


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        (define_game(id=""), "id"),
        (define_game(id="Bazaar"), "id"),
        (define_game(id="a\n"), "id"),
        (define_game(id="a" * 33), "id"),
        (define_game(title="t" * 101), "title"),
        (define_game(title="\ud800"), "title"),
        (define_game(news=(NewsDefinition(at_s=0, text="\ud800"),)), "news[0].text"),
        (define_game(cash=-1), "cash"),
        (define_game(cash=10**15 + 1), "cash"),
        (define_game(fee_bps=10_001), "fee_bps"),
        (define_game(open_orders=-1), "open_orders"),
        (define_game(open_orders=1_001), "open_orders"),
        (define_game(goods={}), "goods"),
        (define_game(goods={f"g{n}": GRAIN for n in range(101)}), "goods"),
        (define_game(goods={"Grain": GRAIN}), "goods.Grain"),
        (define_game(goods={"grain": GoodDefinition(endowment=-1)}), "goods.grain.endowment"),
        (define_game(rounds=RoundsDefinition(open_s=0)), "rounds.open_s"),
        (define_game(rounds=RoundsDefinition(open_s=1, lobby_s=-1)), "rounds.lobby_s"),
        (define_game(rounds=RoundsDefinition(open_s=1, closed_s=10**9)), "rounds.closed_s"),
        (define_game(rounds=RoundsDefinition(open_s=1, repeat=-1)), "rounds.repeat"),
        (define_game(news=(NewsDefinition(at_s=0, text="!"),) * 1_001), "news"),
        (define_game(news=(NewsDefinition(at_s=-1, text="!"),)), "news[0].at_s"),
        (define_game(news=(NewsDefinition(at_s=0, text=""),)), "news[0].text"),
        (define_game(news=(NewsDefinition(at_s=0, text="!", good="gold"),)), "news[0].good"),
        (define_game(news=(NewsDefinition(at_s=0, text="!", anchor_bps=5),)), "news[0].anchor_bps"),
        (define_game(news=(NewsDefinition(at_s=0, text="!", good="grain", anchor_bps=-10_000),)), "news[0].anchor_bps"),
    ],
)
def test_a_value_out_of_its_range_is_named_by_its_path(definition: GameDefinition, path: str) -> None:
    assert [where for where, _ in problems(definition)] == [path]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("anchor", 0),
        ("spread", 0),
        ("step", 0),
        ("levels", 51),
        ("size", 0),
        ("stock", -1),
        ("cash", -1),
        ("target", 0),
        ("slope", 1_001),
        ("tick_s", 0),
        ("drift_bps", 5_001),
    ],
)
def test_a_houses_value_out_of_its_range_is_named_by_its_path(field: str, value: int) -> None:
    definition = define_game(goods={"grain": GoodDefinition(house=evolve(house(), **{field: value}))})
    assert problems(definition) == [(f"goods.grain.house.{field}", problems(definition)[0][1])]
    assert f"found {value}" in str(problems(definition)[0][1])
