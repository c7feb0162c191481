"""Who somebody is can be taken out of a game's state; what they did stays."""

from __future__ import annotations

import pytest

from tests.support.domain import Table
from tradegame.core.domain import people, snapshot
from tradegame.core.domain.audit import audit
from tradegame.protocol.commands import Join, Remove, SeatRow, SetRoster
from tradegame.protocol.requests import Say


def played() -> Table:
    table = Table.of("ann", "bob", "cid")
    table.entry(SetRoster(names=(("Ann", "Ann"), ("Bob", "Bob"), ("ANN", "Ann"))))
    table.entry(Say(game="g", player="ann", text="I am Ann"), Say(game="g", player="bob", text="hello"))
    table.entry(Remove(account="cid"))
    table.phase("closed")
    return table


def test_who_is_erased_has_no_name_and_said_nothing() -> None:
    table = played()
    state, seq = table.game.state, table.game.state.seq
    people.erase(state, "ann")
    assert state.players["ann"].name == people.ERASED
    assert [(each.player, each.text) for each in state.messages] == [("bob", "hello")]
    assert state.roster == {"Ann": ["Ann"], "Bob": ["Bob"]}
    assert {row["player"]: row["name"] for row in state.results[-1]["players"]}["ann"] == people.ERASED
    assert state.seq == seq + 1
    assert audit(state) == []
    people.erase(state, "bob")
    assert list(state.messages) == []
    assert state.roster == {"Ann": ["Ann"]}
    assert snapshot.load(snapshot.dump(table.game)).state.players["bob"].name == people.ERASED


def test_who_was_removed_is_erased_from_the_results() -> None:
    table = Table.of("ann", "bob")
    table.phase("closed")
    table.entry(Remove(account="ann"))
    people.erase(table.game.state, "ann")
    names = {row["player"]: row["name"] for row in table.game.state.results[-1]["players"]}
    assert names == {"ann": people.ERASED, "bob": "Bob"}
    assert table.game.state.removed == {"ann": people.ERASED}
    people.erase(table.game.state, "bob")
    assert {row["name"] for row in table.game.state.results[-1]["players"]} == {people.ERASED}


def test_nobody_can_be_erased_who_was_never_there() -> None:
    with pytest.raises(KeyError):
        people.erase(played().game.state, "dee")


def test_whose_seat_it_was_is_forgotten_with_the_player() -> None:
    table = Table.of()
    seats = SeatRow("4711", "4711", "Ann", "east", "reds"), SeatRow("4712", "4712", "Bob")
    table.do(SetRoster(seats=seats))
    table.do(Join(player="ann", name="Ann", label="4711", look="4711"))
    people.erase(table.game.state, "ann")
    assert list(table.game.state.seating) == ["4712"]
    assert (table.game.state.looks, table.game.state.listed) == ({2: "4712"}, 1)
    assert b"4711" not in snapshot.dump(table.game)
    assert audit(table.game.state) == []


def test_texts_can_be_left_out_of_what_was_said() -> None:
    table = played()
    before = list(table.game.state.messages)
    people.unsay(table.game.state)
    after = list(table.game.state.messages)
    assert [each.text for each in after] == [people.UNSAID] * 2
    assert [(each.player, each.at, each.number) for each in after] == [
        (each.player, each.at, each.number) for each in before
    ]
