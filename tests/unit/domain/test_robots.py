"""Robots that fill up a game, and those that sit in for a player who is away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import Table, code, events
from tradegame.core.domain import host_views, snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import GoodDefinition, PrivateValuesDefinition, RoundsDefinition
from tradegame.core.domain.robots import robots_needed
from tradegame.protocol.bounds import ROBOTS_MOST
from tradegame.protocol.commands import Arrive, Depart, Join, Remove, SetRobots, SitIn, Staff
from tradegame.protocol.http import Robots
from tradegame.protocol.pushes import Joined, Removed, SeatChanged
from tradegame.protocol.requests import BuyGood, CancelOrder, PlaceOrder

ROUNDS = RoundsDefinition(lobby_s=10, open_s=60, closed_s=10, repeat=0)
PRIVATE = PrivateValuesDefinition(good="grain", units=2)


def filled(*players: str, robots: int, rounds: RoundsDefinition | None = ROUNDS, **fields: Any) -> Table:
    """A game in its lobby, where there is one, in which nodes have counted that so many robots are needed."""
    table = Table.of(*players, rounds=rounds, **fields)
    table.do(SetRobots(fill_to=min(robots, 200)))
    table.do(Staff(robots=robots))
    return table


def robots(table: Table) -> list[str]:
    return list(table.game.state.robots)


def seated(table: Table, player: str, **fields: Any) -> Any:
    return table.do(SitIn(account=player, **fields))


def by_robot(player: str, side: str, qty: int, price: int, key: str | None = None) -> PlaceOrder:
    return PlaceOrder(player=player, by_robot=True, good="grain", side=side, qty=qty, price=price, key=key)


# Filling up


def test_robots_come_in_the_lobby_marked_and_with_names_of_their_own() -> None:
    table = Table.of("ann", rounds=ROUNDS)
    table.do(SetRobots(fill_to=3))
    applied = table.entry(Staff(robots=2))
    assert events(applied) == [Joined("robot-1", "Robot 1", True), Joined("robot-2", "Robot 2", True)]
    assert views.public_state(table.game.state)["players"] == {
        "ann": {"name": "Ann"},
        "robot-1": {"name": "Robot 1", "robot": True},
        "robot-2": {"name": "Robot 2", "robot": True},
    }


def test_robots_leave_in_the_lobby_the_newest_first_and_their_numbers_are_free_again() -> None:
    table = filled("ann", robots=3)
    assert events(table.entry(Staff(robots=1))) == [Removed("robot-3"), Removed("robot-2")]
    table.entry(Staff(robots=2))
    assert robots(table) == ["robot-1", "robot-2"]
    assert table.game.state.removed == {}


def test_robots_stay_in_an_open_round_and_while_its_results_are_shown_and_leave_with_the_next() -> None:
    table = filled("ann", robots=2)
    table.phase("open")
    table.entry(Arrive(players=("ann", "robot-1", "robot-2"), by_robot=True))
    for phase in ("open", "closed"):
        table.phase(phase)
        table.entry(Staff(robots=1))
        assert robots(table) == ["robot-1", "robot-2"]
    told = {row["player"]: row.get("robot", False) for row in table.game.state.results[-1]["players"]}
    assert told == {"ann": False, "robot-1": True, "robot-2": True}
    applied = table.wait(10_000)
    assert events(applied, Removed) == [Removed("robot-2")]


def test_robots_come_into_an_open_round_only_if_the_host_asks_for_them_in_it_or_there_is_no_clock() -> None:
    table = Table.of("ann", rounds=ROUNDS)
    table.do(SetRobots(fill_to=3))
    table.phase("open")
    table.do(Staff(robots=2))
    assert robots(table) == ["robot-1", "robot-2"]  # asked in this round's lobby
    table.phase("closed")
    table.phase("open")
    table.do(Staff(robots=3))
    assert len(robots(table)) == 2
    table.do(SetRobots(fill_to=4))
    table.do(Staff(robots=3))
    assert len(robots(table)) == 3
    endless = Table.of("ann")
    endless.do(SetRobots(fill_to=3))
    endless.do(Staff(robots=2))
    endless.do(Staff(robots=1))
    assert robots(endless) == ["robot-1", "robot-2"]


def test_without_a_wish_all_robots_go_at_once_with_their_orders() -> None:
    table = filled("ann", robots=2)
    table.phase("open")
    table.do(by_robot("robot-1", "bid", 1, 9))
    assert table.book() == ([(9, 1)], [])
    table.do(SetRobots(sit_in_after_s=5))
    assert robots(table) == []
    assert table.book() == ([], [])
    table.do(Staff(robots=2))
    assert robots(table) == []
    assert list(audit(table.game.state)) == []


def test_the_host_may_remove_a_robot_which_may_come_again() -> None:
    table = filled("ann", robots=1)
    table.do(Remove(account="robot-1"))
    assert (robots(table), table.game.state.removed) == ([], {})
    table.do(Staff(robots=1))
    assert robots(table) == ["robot-1"]


def test_robots_take_nobodys_place_and_pay_no_heed_to_a_lock() -> None:
    table = filled("ann", robots=3, max_players=2)
    assert table.join("bob").seq
    assert code(table.join("cid")) == "game_full"


def test_of_a_number_beyond_the_most_only_so_many_come() -> None:
    table = filled("ann", robots=10**6)
    assert len(robots(table)) == ROBOTS_MOST


def test_a_robot_plays_by_commands_that_say_so_and_nobody_elses_may() -> None:
    table = filled("ann", robots=1)
    table.phase("open")
    assert table.do(by_robot("robot-1", "bid", 1, 9)).resting == 1
    for nobody in ("ann", "cid"):
        assert code(table.do(by_robot(nobody, "bid", 1, 9, key="k"))) == "not_admitted"
    assert table.game.state.players["ann"].keys == {}


def test_a_doubled_robot_has_one_effect_for_each_key() -> None:
    table = filled("ann", robots=1)
    table.phase("open")
    table.entry(*[by_robot("robot-1", "bid", 1, 9, key="k")] * 2)
    assert table.book() == ([(9, 1)], [])


@pytest.mark.parametrize("redraw", [False, True])
def test_robots_take_the_sides_that_are_left_anew_in_each_round(redraw: bool) -> None:
    private = PrivateValuesDefinition(good="grain", units=2, redraw=redraw)
    table = Table.of("ann", "ben", "cid", rounds=ROUNDS, private_values=private, goods={"grain": GoodDefinition()})
    table.do(SetRobots(even_sides=True))
    state = table.game.state
    for here, expected in ((("ann", "ben", "cid"), 1), (("ann", "cid"), 2), (("ben",), 1)):
        table.do(Staff(robots=robots_needed(state, here)))
        assert len(robots(table)) == expected
        table.phase("open")
        table.arrive(*here)
        table.entry(Arrive(players=tuple(robots(table)), by_robot=True))
        roles = [state.players[player].role for player in state.dealt]
        assert roles.count("buyer") == roles.count("seller")
        table.phase("closed")
        table.phase("lobby")


@given(
    st.lists(st.sampled_from(["buyer", "seller", None]), max_size=9),
    st.integers(0, 30),
    st.booleans(),
    st.booleans(),
)
def test_so_many_robots_are_needed_as_fill_the_game_up_and_make_sides_even(
    roles: list[Any], fill_to: int, even: bool, private: bool
) -> None:
    """As if everybody were dealt to: who has no side, and then each robot, takes the one of which there are fewer."""
    people = [f"p{number}" for number in range(len(roles))]
    table = Table.of(*people, rounds=ROUNDS, **({"private_values": PRIVATE} if private else {}))
    state = table.game.state
    table.do(SetRobots(fill_to=fill_to, even_sides=even))
    for player, role in zip(people, roles, strict=True):
        state.players[player].role = role if private else None
    needed = robots_needed(state, [*people, "nobody"])
    assert needed >= fill_to - len(people)
    if not even:
        assert needed == max(0, fill_to - len(people))
        return
    sides = {"buyer": roles.count("buyer"), "seller": roles.count("seller")} if private else {"buyer": 0, "seller": 0}
    for _ in range(needed + (roles.count(None) if private else len(roles))):
        sides["seller" if sides["seller"] < sides["buyer"] else "buyer"] += 1
    assert sides["buyer"] == sides["seller"]
    fewer = needed - 2  # would do as well only if it were too few, or uneven
    assert fewer < max(0, fill_to - len(people)) or fewer < abs(roles.count("buyer") - roles.count("seller")) - (
        roles.count(None)
    )


@pytest.mark.parametrize("rounds", [ROUNDS, None])
def test_who_leaves_an_open_round_with_private_values_is_not_filled_up_for(rounds: RoundsDefinition | None) -> None:
    """Their values are in its demand and supply still; a robot may sit in for them."""
    table = Table.of("ann", "bob", rounds=rounds, private_values=PRIVATE)
    state = table.game.state
    table.do(SetRobots(fill_to=4, even_sides=True))
    table.do(Staff(robots=2))
    table.phase("open")
    table.arrive("ann", "bob")
    assert robots_needed(state, ["ann"]) == 2
    seated(table, "bob")
    assert robots_needed(state, ["ann"]) == 2
    assert robots_needed(state, ["ann", "bob"]) == 2
    seated(table, "bob", sits=False)
    table.phase("closed")
    assert robots_needed(state, ["ann"]) == 3


# Programs that say they are robots


def test_a_program_that_says_so_is_marked_and_called_like_a_robot_and_plays_by_itself() -> None:
    table = filled("ann", robots=1)
    assert events(table.entry(Join(player="p-bot", name="bot-1", robot=True))) == [Joined("p-bot", "Robot 2", True)]
    table.do(Staff(robots=2))
    assert [table.game.state.players[robot].name for robot in robots(table)] == ["Robot 1", "Robot 2", "Robot 3"]
    table.phase("open")
    assert table.bid("p-bot", 1, 9).resting == 1
    assert code(table.do(by_robot("p-bot", "bid", 1, 9))) == "not_admitted"
    assert code(seated(table, "p-bot")) == "unknown_player"
    table.do(SetRobots())
    assert robots(table) == ["p-bot"]
    assert robots_needed(table.game.state, ["ann", "p-bot"]) == 0


def test_a_program_that_left_is_gone_but_not_from_a_round_that_the_clock_will_close() -> None:
    timed, endless = Table.of("ann", rounds=ROUNDS), Table.of("ann")
    for table in (timed, endless):
        table.join("p-bot", robot=True)
        table.phase("open")
        table.bid("p-bot", 1, 9)
        table.depart("ann")
    assert events(endless.depart("p-bot")) == [Removed("p-bot")]
    assert (endless.book(), endless.game.state.removed) == (([], []), {})
    assert events(timed.depart("p-bot")) == []
    timed.phase("closed")
    assert events(timed.depart("p-bot")) == [Removed("p-bot")]
    assert [row["name"] for row in timed.game.state.results[-1]["players"]] == ["Robot 1"]
    endless.join("p-bot", robot=True)
    endless.do(Remove(account="p-bot"))
    assert code(endless.join("p-bot", robot=True)) == "not_admitted"


# Sitting in


def test_a_robot_sits_in_and_everybody_sees_it() -> None:
    table = Table.of("ann", "bob")
    assert events(table.entry(SitIn(account="ann"))) == [SeatChanged("ann", True)]
    assert events(table.entry(SitIn(account="ann", strategy="market_maker"))) == []
    assert table.game.state.seats["ann"].strategy == "market_maker"
    state = table.game.state
    assert views.public_state(state)["players"]["ann"] == {"name": "Ann", "stand_in": True}
    assert [row.get("stand_in", False) for row in views.standings(state, 10)] == [True, False]
    assert table.do(by_robot("ann", "bid", 1, 9)).resting == 1
    assert events(table.entry(SitIn(account="ann", sits=False))) == [SeatChanged("ann", False)]
    assert events(table.entry(SitIn(account="ann", sits=False))) == []
    assert code(table.do(by_robot("ann", "bid", 1, 9))) == "not_admitted"


@pytest.mark.parametrize("back", [Join(player="ann", name="Ann"), BuyGood(player="ann", good="grain", qty=1)])
def test_who_comes_back_has_their_seat_and_own_orders_and_the_robots_orders_are_gone(back: Any) -> None:
    """Whether by a `join` or a command, and even if that is refused."""
    table = Table.of("ann", "bob")
    table.bid("ann", 3, 5)
    seated(table, "ann")
    table.do(by_robot("ann", "bid", 1, 7))
    table.do(by_robot("ann", "ask", 1, 90))
    applied = table.entry(back)
    assert events(applied) == [SeatChanged("ann", False)]
    assert table.book() == ([(5, 3)], [])
    assert "ann" in applied.accounts
    assert list(audit(table.game.state)) == []


def test_a_late_copy_of_a_command_takes_no_seat_back() -> None:
    table = Table.of("ann")
    order = PlaceOrder(player="ann", good="grain", side="bid", qty=1, price=5, key="k")
    table.do(order)
    seated(table, "ann")
    assert table.entry(order).outcomes[0].replayed
    assert "ann" in table.game.state.seats


def test_a_robot_may_cancel_what_its_player_left_and_its_command_shares_no_key_with_theirs() -> None:
    table = Table.of("ann")
    table.do(PlaceOrder(player="ann", good="grain", side="bid", qty=1, price=5, key="k"))
    seated(table, "ann")
    assert code(table.do(by_robot("ann", "bid", 1, 5, key="k"))) == "key_reused"
    table.do(CancelOrder(player="ann", by_robot=True, order="o1"))
    assert table.book() == ([], [])


def test_who_is_away_has_a_robot_by_itself_only_if_the_host_wishes_and_loses_it_when_connected() -> None:
    table = Table.of("ann", "bob")
    seated(table, "ann", by_itself=True)
    assert table.game.state.seats == {}
    table.do(SetRobots(sit_in_after_s=30, strategy="informed"))
    seated(table, "ann", by_itself=True)
    seated(table, "bob")
    assert table.game.state.seats["ann"].strategy == "informed"
    seated(table, "bob", by_itself=True)
    table.entry(Arrive(players=("ann", "bob"), by_robot=True))
    assert list(table.game.state.seats) == ["ann", "bob"]
    assert events(table.arrive("ann", "bob")) == [SeatChanged("ann", False)]
    seated(table, "ann", by_itself=True)
    assert events(table.entry(SetRobots())) == [SeatChanged("ann", False)]
    assert list(table.game.state.seats) == ["bob"]


def test_what_the_host_says_of_a_seat_outlives_what_a_node_said() -> None:
    table = Table.of("ann")
    table.do(SetRobots(sit_in_after_s=30))
    seated(table, "ann", by_itself=True)
    seated(table, "ann")
    table.arrive("ann")
    assert list(table.game.state.seats) == ["ann"]


def test_a_robot_sits_in_for_people_alone() -> None:
    table = filled("ann", robots=1)
    for nobody in ("robot-1", "cid"):
        assert code(seated(table, nobody)) == "unknown_player"


def test_a_seat_with_a_robot_in_it_has_not_departed_is_dealt_to_and_goes_with_its_account() -> None:
    table = Table.of(rounds=ROUNDS)
    table.join("ann", cancel_on_disconnect=True)
    table.phase("open")
    table.entry(Depart(players=("ann",)))
    seated(table, "ann")
    table.entry(Depart(players=("ann",)))
    assert table.game.state.departed == {}
    table.phase("closed")
    table.phase("open")
    assert "ann" not in table.game.state.dealt
    table.do(by_robot("ann", "bid", 1, 9))
    assert "ann" in table.game.state.dealt
    table.phase("closed")
    assert table.game.state.results[-1]["players"][0]["stand_in"]
    table.do(Remove(account="ann"))
    assert table.game.state.seats == {}


def test_the_host_is_told_of_the_plan_and_who_plays() -> None:
    table = filled("ann", "bob", robots=2)
    table.do(SetRobots(fill_to=4, even_sides=True, strategy="informed", sit_in_after_s=9))
    seated(table, "bob")
    state = table.game.state
    told = Robots(4, True, "informed", 9, 2, ("robot-1", "robot-2"), ("bob",))
    assert host_views.robots(state) == told
    rows = [(row.player, row.robot, row.stand_in) for row in host_views.roster_rows(state, state.players, {})]
    assert rows[1:3] == [("bob", False, True), ("robot-1", True, False)]


def test_robots_and_seats_are_in_a_snapshot() -> None:
    table = filled("ann", "bob", robots=2)
    seated(table, "ann", strategy="informed")
    again = snapshot.load(snapshot.dump(table.game)).state
    assert (again.plan, again.robots, again.seats) == (
        table.game.state.plan,
        table.game.state.robots,
        table.game.state.seats,
    )
