"""Groups: who is put into which by the entrance, and what a group knows of who was sent there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.domain import Table, code, define_game
from tradegame.core.domain import host_views, snapshot, views
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import GameDefinition, GroupDefinition, RoundsDefinition, from_json, to_json
from tradegame.core.domain.groups import group_definitions, group_ids, group_name, group_of
from tradegame.core.domain.state import LOBBY, RosterSeat
from tradegame.protocol.commands import Join, Remove, SeatRow, SetAccess, SetGroup, SetRoster
from tradegame.protocol.replies import Sent

GROUPS = ("A", "B", "C", "D")


def entrance(seed: int = 1, **fields: Any) -> Table:
    return Table.of(seed=seed, groups=GROUPS, **fields)


def enter(table: Table, count: int) -> list[str]:
    players = [f"p{number}" for number in range(count)]
    for player in players:
        table.join(player)
    return [str(group_of(table.game.state, player)) for player in players]


def restored(table: Table) -> Table:
    assert audit(table.game.state) == []
    return Table(snapshot.load(snapshot.dump(table.game)), table.at)


def test_players_are_shared_out_evenly_and_by_chance() -> None:
    table = entrance()
    assert sorted(Counter(enter(table, 42)).values()) == [10, 10, 11, 11]
    assert len({tuple(enter(entrance(seed), 8)) for seed in range(20)}) > 10
    assert enter(entrance(7), 8) == enter(entrance(7), 8)
    assert restored(table).game.state.grouped == table.game.state.grouped


def test_an_audit_counts_the_groups() -> None:
    table = entrance()
    enter(table, 4)
    table.game.state.grouped[0] += 1
    assert audit(table.game.state) == ["the groups are not as large as they are said to be"]


def test_whoever_joins_again_stays_in_their_group() -> None:
    table = entrance()
    before = enter(table, 9)
    assert enter(table, 9) == before
    assert views.account(table.game.state, "p3").group == before[3]
    assert views.account(Table.of("ann").game.state, "ann").group is None


def test_the_roster_says_whose_group_it_is_and_chance_levels_the_rest() -> None:
    table = entrance()
    seats = [SeatRow(str(number), str(number), "", "C") for number in range(3)]
    table.do(SetRoster(seats=(*seats, SeatRow("9", "9"))))
    for number in (0, 1, 2, 9):
        table.do(Join(player=f"p{number}", name=f"N{number}", label=str(number), look=str(number)))
    state = restored(table).game.state
    assert [group_of(state, f"p{number}") for number in range(3)] == ["g-3"] * 3
    assert group_of(state, "p9") != "g-3"
    assert group_name(state, "p0") == "C"
    rows = host_views.roster_rows(state, state.players, {})
    assert [row.group for row in rows][:3] == ["g-3"] * 3


def test_whoever_is_removed_leaves_a_place_in_their_group() -> None:
    table = entrance()
    groups = enter(table, 8)
    table.do(Remove(account="p5"))
    assert audit(table.game.state) == []
    table.join("late")
    assert group_of(table.game.state, "late") == groups[5]
    assert group_of(table.game.state, "p5") is None


def test_the_host_gives_a_player_another_group_and_the_player_is_told() -> None:
    table = entrance()
    enter(table, 4)
    (to,) = {1, 2, 3, 4} - {table.game.state.players[player].group for player in ("p0", "p1", "p2")}
    applied = table.entry(SetGroup(account="p0", number=to, key="k"))
    assert applied.accounts == ("p0",)
    assert group_of(table.game.state, "p0") == f"g-{to}"
    assert sorted(table.game.state.grouped) == [0, 1, 1, 2]
    assert table.entry(SetGroup(account="p0", number=to)).accounts == ()
    restored(table)
    for account, number in (("nobody", 1), ("p0", 0), ("p0", 5)):
        assert code(table.do(SetGroup(account=account, number=number))) == "unknown_player"
    assert code(Table.of("ann").do(SetGroup(account="ann", number=1))) == "unknown_player"


def test_an_entrance_waits_in_its_lobby_whatever_its_rounds_are() -> None:
    table = entrance(rounds=RoundsDefinition(open_s=60, lobby_s=30))
    assert (table.game.state.phase, table.game.state.ends_at) == (LOBBY, None)
    table.wait(10_000_000)
    assert table.game.state.phase == LOBBY


def test_an_entrance_has_room_for_all_its_groups() -> None:
    table = entrance(max_players=1)
    enter(table, 4)
    assert code(table.join("more")) == "game_full"
    table.do(SetAccess(locked=True))
    assert code(table.join("p9")) == "not_admitted"


def test_groups_are_the_same_game_but_for_id_and_title() -> None:
    definition = define_game(id="lab", title="T" * 100, groups=GROUPS, rounds=RoundsDefinition(open_s=60))
    first, *_, last = group_definitions(definition)
    assert group_ids(definition) == ("lab-1", "lab-2", "lab-3", "lab-4")
    assert (first.id, first.group, first.groups) == ("lab-1", GroupDefinition("lab", "A"), ())
    assert (len(last.title), last.title[-4:], last.rounds) == (100, " · D", definition.rounds)
    assert group_definitions(define_game(id="lab", groups=("A",)))[0].title == "lab · A"
    assert views.summary(Table.of(groups=GROUPS).game.state).groups[2].name == "C"
    for each in (definition, first, define_game()):
        assert from_json(to_json(each)) == each


def test_a_log_of_before_there_were_groups_begins_with_the_same_text() -> None:
    data = to_json(GameDefinition(id="g", goods={}))
    assert not {"groups", "group"} & data.keys()


@pytest.mark.parametrize("again", [False, True])
def test_a_group_keeps_the_seat_of_whom_the_entrance_sent(again: bool) -> None:
    table = Table.of(id="g-2", group=GroupDefinition("g", "B"))
    joined = table.do(Join(player="ann", name="Ann", label="No. 7", look="no.7", team="reds"))
    assert isinstance(joined, Sent)
    if again:  # and came back after another group
        table.do(Remove(account="ann", moved=True))
        table.do(Join(player="ann", name="Ann", label="No. 7", look="no.7", team="blues"))
    state = restored(table).game.state
    team = "blues" if again else "reds"
    assert state.seating == {"no.7": RosterSeat("No. 7", "", "B", team, 1, player="ann")}
    assert group_name(state, "ann") == "B"
    group, code_ = views.summary(state).group, views.summary(state).code
    assert group is not None
    assert (group.of, group.name) == ("g", "B")
    assert code_ == views.summary(Table.of(groups=GROUPS).game.state).code
