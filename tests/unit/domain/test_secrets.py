"""What others may be told must not depend on a secret: two games differ in nothing but that, and show the same.

If all that a spectator and a rival receive is the same whatever the secret is, nothing can be computed from it.
``tests/e2e/test_secrets.py`` attacks a served game in the same way, over every op, push and path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import BEGIN, define_game, fills, house
from tradegame.core.domain import views as domain_views
from tradegame.core.domain.definition import (
    GoodDefinition,
    PrivateValuesDefinition,
    RoundsDefinition,
    SettlementDefinition,
)
from tradegame.core.domain.events import Applied, Frame, Rejected
from tradegame.core.domain.game import Game
from tradegame.core.tables.reports import Reporter
from tradegame.protocol.commands import Command, Entry, Join, RenewSeat, Reveal, SeatRow, SetPhase, SetRoster
from tradegame.protocol.pushes import Revealed, Trade
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, Say, SellGood

RIVAL = "rival"
PUPILS = ("ann", "ben", "cid", "dee", "eve")
"""The rival joins first and is a buyer, as are ben and dee; the others sell."""
SIDE = 3
"""So many buyers, and sellers, each with values of their own."""

Schedule = tuple[int, ...]
schedules = st.lists(
    st.lists(st.integers(20, 180), min_size=2, max_size=2).map(tuple), min_size=SIDE, max_size=SIDE
).map(tuple)


def lasting_class(values: tuple[Schedule, ...], costs: tuple[Schedule, ...], **fields: Any) -> Game:
    private = PrivateValuesDefinition(good="wheat", values=values, costs=costs, **fields)
    goods = {"wheat": GoodDefinition(), "salt": GoodDefinition(endowment=3)}
    rounds = RoundsDefinition(open_s=60, closed_s=30, repeat=2)
    return Game.create(define_game(goods=goods, private_values=private, rounds=rounds), "e", BEGIN, 5)


def seen(game: Game, applied: Applied) -> Iterator[Any]:
    """All that spectators are told of an entry, and may ask for after it."""
    state = game.state
    yield None if applied.frame is None else msgspec.json.encode(applied.frame.events)
    yield views.public_state(state)
    yield views.summary(state)
    yield views.standings(state, 100)
    yield views.debrief(state)
    yield [views.book(state, good, 100) for good in state.markets]


def told(game: Game, applied: Applied, commands: tuple[Command, ...]) -> Iterator[Any]:
    """The same, and what the rival is told besides."""
    yield from seen(game, applied)
    state = game.state
    yield [whisper for whisper in applied.whispers if RIVAL in (whisper.player, whisper.to)]
    if RIVAL in state.players:
        yield views.account(state, RIVAL)
        yield domain_views.fills(state, RIVAL, 50)
        yield domain_views.orders(state, RIVAL)
        yield fills(game, applied).get(RIVAL)
        yield RIVAL in applied.accounts
    for command, outcome in zip(commands, applied.outcomes, strict=True):
        if command.player in (RIVAL, "host"):
            yield repr(outcome)


JOINS: tuple[Command, ...] = tuple(Join(player=name, name=name) for name in (RIVAL, *PUPILS))
players = st.sampled_from((RIVAL, *PUPILS))
goods = st.sampled_from(("wheat", "wheat", "salt"))
prices = st.integers(20, 180)
sides = st.sampled_from(("bid", "ask"))
ids = st.sampled_from(("o1", "o2", "o3", "o4"))
commands = st.one_of(
    st.builds(PlaceOrder, player=players, good=goods, side=sides, qty=st.just(1), price=prices),
    st.builds(BuyGood, player=players, good=goods, qty=st.integers(1, 2)),
    st.builds(SellGood, player=players, good=goods, qty=st.integers(1, 2)),
    st.builds(CancelOrder, player=players, order=ids),
    st.builds(AmendOrder, player=players, order=ids, price=prices, post_only=st.booleans()),
    st.builds(CancelAll, player=players, side=sides),
    st.builds(Say, player=players, text=st.just("hm"), to=st.one_of(st.none(), players)),
    st.builds(SetPhase, phase=st.sampled_from(("lobby", "open", "closed"))),
)
steps = st.lists(st.tuples(st.sampled_from((0, 1, 20_000)), commands), max_size=30)


@given(
    mine=schedules,
    values=schedules,
    costs=schedules,
    others=st.tuples(schedules, schedules),
    redraw=st.booleans(),
    steps=steps,
)
def test_nothing_that_is_told_hangs_on_private_values_that_last(
    mine: Any, values: Any, costs: Any, others: Any, redraw: bool, steps: Any
) -> None:
    own = mine[:1]
    worlds = [
        lasting_class((*own, *values[1:]), costs, redraw=redraw),
        lasting_class((*own, *others[0][1:]), others[1], redraw=redraw),
    ]
    at = BEGIN
    trade = (
        PlaceOrder(player="ann", good="wheat", side="ask", qty=1, price=100),
        BuyGood(player="ben", good="wheat", qty=1),
    )
    for wait, now in [(0, JOINS), (1, trade), *((wait, (each,)) for wait, each in steps), (60_000, ()), (90_000, ())]:
        at += wait
        one, other = (list(told(game, game.apply(Entry(at, now)), now)) for game in worlds)
        assert one == other


texts = st.text("abc", max_size=3)
seat_rows = st.lists(st.tuples(texts, texts), min_size=4, max_size=4)


@given(
    labels=st.tuples(*[st.lists(st.text("0123456789", min_size=1), min_size=4, max_size=4, unique=True)] * 2),
    notes=st.tuples(seat_rows, seat_rows),
    by_number=st.booleans(),
    steps=steps,
)
def test_nothing_that_is_told_hangs_on_what_a_roster_says_of_people(
    labels: Any, notes: Any, by_number: bool, steps: Any
) -> None:
    """Which label somebody has, their group and their team; that there is a roster everybody sees."""
    worlds = [lasting_class(((120, 60),) * 3, ((40, 30),) * 3) for _ in range(2)]
    at = BEGIN
    for wait, now in [(0, None), *((wait, (each,)) for wait, each in steps)]:
        at += wait
        shown = []
        for game, own, about in zip(worlds, labels, notes, strict=True):
            seats = tuple(SeatRow(*2 * (label,), "", *note) for label, note in zip(own, about, strict=True))
            joins = [
                Join(player=name, name=name, label=own[k], look=own[k]) for k, name in enumerate((RIVAL, *PUPILS[:3]))
            ]
            first = (SetRoster(seats=seats, by_number=by_number), *joins, RenewSeat(seat=2))
            entry = first if now is None else now
            shown.append(list(told(game, game.apply(Entry(at, entry)), entry)))
        assert shown[0] == shown[1]


@given(mine=schedules, values=schedules, costs=schedules, others=st.tuples(schedules, schedules), steps=steps)
def test_what_of_a_report_is_told_while_values_last_hangs_on_no_others_values(
    mine: Any, values: Any, costs: Any, others: Any, steps: Any
) -> None:
    own, told = mine[:1], list[Any]()
    for buyers, sellers in ((values, costs), others):
        reporter = Reporter(lasting_class((*own, *buyers[1:]), sellers).state)
        game = Game(reporter.state, lambda _, reporter=reporter: reporter)
        at = BEGIN
        for wait, commands in [(0, JOINS), *((wait, (each,)) for wait, each in steps), (60_000, ()), (90_000, ())]:
            at += wait
            game.apply(Entry(at, commands))
        told.append((list(reporter.rounds), reporter.own[RIVAL]))
    assert told[0] == told[1]


def outcome_of(game: Game, command: Command) -> Any:
    (outcome,) = game.apply(Entry(game.state.clock, (command,))).outcomes
    return outcome.result


def a_round(**fields: Any) -> Game:
    """ben bought of ann at 100, and the round is closed."""
    game = lasting_class(((120, 60), (149, 70), (90, 80)), ((40, 30), (51, 50), (60, 20)), **fields)
    game.apply(Entry(BEGIN, JOINS))
    outcome_of(game, PlaceOrder(player="ann", good="wheat", side="ask", qty=1, price=100))
    outcome_of(game, BuyGood(player="ben", good="wheat", qty=1))
    outcome_of(game, SetPhase(phase="closed"))
    return game


FIGURES = ("efficiency_bps", "surplus", "max_surplus")


def test_while_values_last_what_a_round_came_to_is_the_hosts() -> None:
    state = a_round().state
    (public,) = views.debrief(state)["rounds"]
    (whole,) = views.debrief(state, host=True)["rounds"]
    assert public["secret"] is whole["secret"] is True
    assert all(public[figure] is None and whole[figure] is not None for figure in FIGURES)
    assert public["players"] == []
    assert {row["player"]: row["gain"] for row in whole["players"]}["ben"] == 149 - 100
    wheat = public["goods"]["wheat"]
    assert (wheat["equilibrium"], wheat["demand"], wheat["supply"]) == (None, [], [])
    assert (wheat["trades"], wheat["close"], len(wheat["tape"])) == (1, 100, 1)  # what everybody saw
    assert views.standings(state, 10) == []


def test_the_host_reveals_it_and_everybody_is_told() -> None:
    game = a_round()
    applied = game.apply(Entry(game.state.clock, (Reveal(),)))
    assert isinstance(applied.frame, Frame)
    assert applied.frame.events == (Revealed(1),)
    assert views.debrief(game.state)["rounds"] == views.debrief(game.state, host=True)["rounds"]
    assert "secret" not in views.debrief(game.state)["rounds"][0]
    assert {row["player"]: row["score"] for row in views.standings(game.state, 10)}["ben"] == 49
    again = game.apply(Entry(game.state.clock, (Reveal(),)))
    assert again.frame is None  # there was nothing left to reveal


def test_what_was_revealed_is_a_secret_again_once_a_round_opens() -> None:
    game = a_round()
    outcome_of(game, Reveal())
    for phase, open_to_all in (("lobby", True), ("open", False), ("closed", False)):
        outcome_of(game, SetPhase(phase=phase))
        assert bool(views.standings(game.state, 10)) is open_to_all
        assert bool(views.debrief(game.state)["rounds"][0]["players"]) is open_to_all


@pytest.mark.parametrize("private", [None, PrivateValuesDefinition(good="wheat", redraw=True)])
def test_there_is_nothing_to_reveal_where_no_value_lasts(private: PrivateValuesDefinition | None) -> None:
    game = Game.create(define_game(goods={"wheat": GoodDefinition()}, private_values=private), "e", BEGIN, 5)
    game.apply(Entry(BEGIN, JOINS))
    outcome_of(game, SetPhase(phase="closed"))
    assert not isinstance(outcome_of(game, Reveal()), Rejected)
    assert game.state.seq == 2
    (round_,) = views.debrief(game.state)["rounds"]
    assert "secret" not in round_
    assert len(round_["players"]) == len(views.standings(game.state, 10)) == 6


def swapped(command: Any) -> Any:
    """The same of ben where it was of ann's, and the other way round."""
    other = {"ann": "ben", "ben": "ann"}
    return msgspec.structs.replace(command, player=other.get(command.player, command.player))


orders = st.one_of(
    st.builds(PlaceOrder, player=players, good=goods, side=sides, qty=st.integers(1, 3), price=prices),
    st.builds(BuyGood, player=players, good=goods, qty=st.integers(1, 4)),
    st.builds(SellGood, player=players, good=goods, qty=st.integers(1, 4)),
    st.builds(CancelOrder, player=players, order=ids),
    st.builds(AmendOrder, player=players, order=ids, price=prices, post_only=st.booleans()),
    st.builds(CancelAll, player=players, side=sides),
)


@given(steps=st.lists(st.lists(orders, max_size=4), max_size=20))
def test_nothing_that_is_told_while_a_round_is_open_hangs_on_who_traded_in_an_anonymous_game(steps: Any) -> None:
    goods = {"wheat": GoodDefinition(endowment=5), "salt": GoodDefinition(endowment=3)}
    worlds = [Game.create(define_game(goods=goods, anonymous=True), "e", BEGIN, 5) for _ in range(2)]
    trade = [
        PlaceOrder(player="ann", good="wheat", side="ask", qty=1, price=100),
        BuyGood(player="cid", good="wheat", qty=1),
    ]
    for at, entry in enumerate([JOINS, trade, *steps]):
        both = tuple(entry), JOINS if entry is JOINS else tuple(map(swapped, entry))
        applied = [game.apply(Entry(BEGIN + at, now)) for game, now in zip(worlds, both, strict=True)]
        one, other = (list(told(game, each, now)) for game, each, now in zip(worlds, applied, both, strict=True))
        assert one == other
        for mine, theirs in (("ann", "ben"), ("cid", "cid"), (RIVAL, RIVAL)):
            assert fills(worlds[0], applied[0]).get(mine) == fills(worlds[1], applied[1]).get(theirs)


@given(seeds=st.tuples(st.integers(0, 2**64), st.integers(0, 2**64)), steps=st.lists(orders, max_size=20))
def test_nothing_that_spectators_are_told_before_the_close_hangs_on_what_a_good_settles_at(
    seeds: tuple[int, int], steps: Any
) -> None:
    settlement = SettlementDefinition(values=(40, 80, 120, 160), hints_at_s=(0, 10))
    goods = {"wheat": GoodDefinition(endowment=5, settlement=settlement), "salt": GoodDefinition(endowment=3)}
    worlds = [Game.create(define_game(goods=goods), "e", BEGIN, seed) for seed in seeds]
    for at, entry in enumerate([JOINS, *((each,) for each in steps)]):
        one, other = (list(seen(game, game.apply(Entry(BEGIN + at * 1_000, entry)))) for game in worlds)
        assert one == other


def test_an_anonymous_trade_and_what_its_parties_are_told_name_nobody() -> None:
    game = Game.create(define_game(fee_bps=100, anonymous=True), "e", BEGIN, 5)
    game.apply(Entry(BEGIN, JOINS))
    offers = [PlaceOrder(player=name, good="grain", side="ask", qty=2, price=10) for name in ("ann", "ben")]
    game.apply(Entry(BEGIN, tuple(offers)))
    applied = game.apply(Entry(BEGIN, (BuyGood(player="cid", good="grain", qty=3),)))
    assert applied.frame is not None
    trades = [event for event in applied.frame.events if isinstance(event, Trade)]
    assert trades == [Trade("grain", 10, 2, "buy", number=1), Trade("grain", 10, 1, "buy", number=2)]
    assert b"buyer" not in msgspec.json.encode(trades)
    told = msgspec.json.encode(list(fills(game, applied).values())).decode()
    assert list(applied.fills) == ["cid", "ann", "ben"]
    assert not any(name in told for name in (RIVAL, *PUPILS))


def test_the_house_is_told_of_nothing() -> None:
    goods = {"grain": GoodDefinition(house=house())}
    game = Game.create(define_game(goods=goods, anonymous=True), "e", BEGIN, 5)
    game.apply(Entry(BEGIN, JOINS))
    applied = game.apply(Entry(BEGIN, (BuyGood(player="cid", good="grain", qty=1),)))
    assert list(applied.fills) == ["cid"]
