"""Who may have an account by the host's roster, and what a seat is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.domain import Table, code
from tradegame.core.domain import host_views, snapshot, views
from tradegame.core.domain.audit import audit
from tradegame.core.domain.roster import absent
from tradegame.core.domain.state import RosterSeat
from tradegame.protocol.commands import Join, Remove, RenewSeat, SeatRow, SetAccess, SetRoster
from tradegame.protocol.http import RosterRow
from tradegame.protocol.replies import Sent
from tradegame.protocol.seats import SeatView

ROSTER = SetRoster(seats=(SeatRow("No. 7", "no.7", "Ann", "east", "reds"), SeatRow("8", "8")))


def join(table: Table, player: str, look: str = "", name: str = "") -> Any:
    return table.do(Join(player=player, name=name or player, label=look.upper(), look=look))


def restored(table: Table) -> Table:
    assert audit(table.game.state) == []
    return Table(snapshot.load(snapshot.dump(table.game)), table.at)


def test_only_who_has_a_seat_may_join_and_whoever_is_there_stays() -> None:
    table = Table.of("early")
    table.do(ROSTER)
    assert code(join(table, "eve")) == "not_admitted"
    assert code(join(table, "eve", "9")) == "not_admitted"
    assert isinstance(join(table, "ann", "no.7"), Sent)
    assert isinstance(join(table, "early"), Sent)
    state = restored(table).game.state
    assert state.seating["no.7"] == RosterSeat("No. 7", "Ann", "east", "reds", 1, listed=True, player="ann")
    assert (state.looks, state.seated, state.listed) == ({1: "no.7", 2: "8"}, 2, 2)
    table.do(SetAccess(locked=True))
    assert code(join(table, "bob", "8")) == "not_admitted"


def test_a_seat_that_is_listed_again_is_the_same_with_what_the_host_says_of_it_now() -> None:
    table = Table.of()
    table.do(ROSTER)
    join(table, "ann", "no.7")
    table.do(RenewSeat(seat=1))
    table.do(SetRoster(seats=(SeatRow("9", "9"), SeatRow("NO.7", "no.7", "Anna", "west"))))
    state = restored(table).game.state
    assert state.seating["no.7"] == RosterSeat("NO.7", "Anna", "west", "", 1, listed=True, links=1, player="ann")
    assert state.looks == {1: "no.7", 3: "9"}  # 2 had nobody, and is nobody's number again
    assert state.players["ann"].name == "ann"


def test_who_is_expected_and_has_no_account_is_absent() -> None:
    table = Table.of()
    table.do(ROSTER)
    join(table, "ann", "no.7")
    assert [seat.label for seat in absent(table.game.state, ["ann"])] == ["8"]
    table.do(SetRoster(names=(("Anna", "anna"), ("Ben", "ben"), ("ANNA", "anna"))))
    assert [seat.name for seat in absent(table.game.state, ["anna"])] == ["ANNA", "Ben"]


def test_who_has_a_seat_that_is_listed_no_more_keeps_it_for_the_records() -> None:
    table = Table.of()
    table.do(ROSTER)
    join(table, "ann", "no.7")
    table.do(SetRoster(seats=(SeatRow("8", "8"),)))
    state = restored(table).game.state
    assert [(seat.label, seat.listed, seat.player) for seat in state.seating.values()] == [
        ("No. 7", False, "ann"),
        ("8", True, ""),
    ]
    assert [seat.label for seat in host_views.roster(state).seats] == ["8"]
    table.do(Remove(account="ann"))
    assert code(join(table, "bob", "no.7")) == "not_admitted"


def test_names_and_seats_go_together() -> None:
    table = Table.of()
    table.do(SetRoster(names=(("Carl", "Carl"),), seats=ROSTER.seats))
    assert isinstance(join(table, "c", name="Carl"), Sent)
    assert code(join(table, "d", name="Carl")) == "not_admitted"
    assert code(join(table, "e", name="Eve")) == "not_admitted"
    assert isinstance(join(table, "a", "no.7", name="Carl"), Sent)


def test_a_program_is_on_no_roster_of_names_and_has_a_seat_like_anybody() -> None:
    """It is called Robot 1: so a name was counted as free, however many programs had come by it."""
    table = Table.of()
    table.do(SetRoster(names=(("Carl", "Carl"),), seats=ROSTER.seats))
    assert code(table.do(Join(player="b", name="Carl", skeleton="Carl", robot=True))) == "not_admitted"
    assert isinstance(join(table, "c", name="Carl"), Sent)
    assert isinstance(table.do(Join(player="r", name="r", label="8", look="8", robot=True)), Sent)


def test_by_number_alone_every_number_is_a_seat_of_its_own() -> None:
    table = Table.of()
    table.do(SetRoster(by_number=True, pattern="####"))
    assert code(join(table, "eve")) == "not_admitted"
    assert isinstance(join(table, "ann", "1234"), Sent)
    state = restored(table).game.state
    assert state.seating == {"1234": RosterSeat("1234", number=1, player="ann")}
    assert (views.summary(state).entry, views.summary(state).pattern) == ("number", "####")
    table.do(SetRoster())
    assert isinstance(join(table, "eve"), Sent)
    assert isinstance(join(table, "bob", "777"), Sent)
    assert list(table.game.state.seating) == ["1234"]  # numbers mean nothing any more, and nobody loses theirs


@pytest.mark.parametrize(
    ("roster", "entry"),
    [
        (SetRoster(), "open"),
        (SetRoster(names=(("a", "a"),)), "open"),
        (SetRoster(names=(("a", "a"),), seats=ROSTER.seats), "open"),
        (ROSTER, "link"),
        (SetRoster(seats=ROSTER.seats, by_number=True), "number"),
    ],
)
def test_the_list_of_games_says_how_one_comes_in(roster: SetRoster, entry: str) -> None:
    table = Table.of()
    table.do(roster)
    assert (views.summary(table.game.state).entry, views.summary(table.game.state).pattern) == (entry, "")


def test_a_barred_seat_is_nobodys_until_it_is_renewed() -> None:
    for roster in (ROSTER, SetRoster(by_number=True, pattern="*")):
        table = Table.of()
        table.do(roster)
        join(table, "ann", "8")
        number = table.game.state.seating["8"].number
        table.entry(Remove(account="ann"), RenewSeat(seat=number, barred=True))
        assert code(join(table, "bob", "8")) == "not_admitted"
        assert code(join(restored(table), "bob", "8")) == "not_admitted"
        table.do(RenewSeat(seat=number))
        assert isinstance(join(table, "bob", "8"), Sent)
        assert table.game.state.seating["8"].links == 2


def test_nobody_can_renew_a_seat_that_is_not_there() -> None:
    assert code(Table.of().do(RenewSeat(seat=1))) == "unknown_player"


def test_an_audit_finds_seats_that_cannot_be_looked_up() -> None:
    table = Table.of()
    table.do(ROSTER)
    state = table.game.state
    del state.looks[1]
    state.listed = 3
    assert audit(state) == [
        "the seats' numbers are not those of the roster",
        "3 seats are not how many are listed",
    ]


def test_the_host_alone_sees_labels() -> None:
    table = Table.of()
    table.do(ROSTER)
    join(table, "ann", "no.7", name="Ann")
    state = table.game.state
    assert host_views.roster(state).seats == (
        SeatView(1, "No. 7", "Ann", "east", "reds", "ann"),
        SeatView(2, "8"),
    )
    seats = {seat.player: seat for seat in state.seating.values()}
    assert host_views.roster_rows(state, ["ann"], seats) == [
        RosterRow("ann", "Ann", True, False, seat=1, label="No. 7")
    ]
