"""A player's own report: its sums are the game's, and what was possible is what theory says."""

from __future__ import annotations

import csv
import io
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import BEGIN, Table, define_game
from tests.support.term import SEED, TERM, entries, log_of
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import GoodDefinition, PrivateValuesDefinition
from tradegame.core.domain.game import Game
from tradegame.core.games.replay import Replay, WrongLogError
from tradegame.core.tables.export import export
from tradegame.core.tables.reports import (
    PRICES_TOLD,
    ROUNDS_TOLD,
    TRADES_TOLD,
    Facts,
    Reporter,
    Reports,
    pieces,
    thinned,
)
from tradegame.protocol.commands import Entry, Join, SetPhase
from tradegame.protocol.report import Own, OwnRound, Report
from tradegame.protocol.requests import BuyGood, PlaceOrder

COMMANDS = 6_000


@cache
def term() -> bytes:
    return log_of(entries(SEED, COMMANDS))


def reports_of(log: bytes) -> dict[str, Report]:
    """All of a log's, with everything in them; each is just what the protocol says."""
    reports = Reports(Replay(io.BytesIO(log)))
    state = reports.make()
    found = {}
    for player, fields in state.players.items():
        facts = Facts(state.definition.id, state.definition.title, player, fields.name, "wheat", reports.partial)
        whole = b"".join(pieces(facts, reports.rounds, *reports.of(player)))
        found[player] = msgspec.json.decode(whole, type=Report)
        assert msgspec.json.decode(msgspec.json.encode(found[player])) == msgspec.json.decode(whole)
    return found


def tables_of(log: bytes, folder: Path) -> dict[str, list[dict[str, str]]]:
    export(Replay(io.BytesIO(log)), folder)
    return {
        file.stem: list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
        for file in folder.iterdir()
    }


def test_what_a_report_says_is_what_the_tables_say(tmp_path: Path) -> None:
    found, tables = reports_of(term()), tables_of(term(), tmp_path / "term")
    for row in tables["players"]:
        if row["removed"] == "false":
            report = found[row["player"]]
            assert report.compared is not None
            assert (report.own.total, report.compared.rank) == (int(row["total"]), int(row["rank"]))
            assert report.compared.players == len(found)
    results = {(row["player"], int(row["round"])): row for row in tables["results"]}
    told = Counter[bool]()
    for player, report in found.items():
        assert report.compared is not None
        for own, compared in zip(report.own.rounds, report.compared.rounds, strict=True):
            row = results[player, own.round]
            assert (own.start, own.worth, own.gain) == tuple(int(row[name]) for name in ("start", "worth", "gain"))
            assert (own.role, compared.rank) == (row["role"], int(row["rank"]))
            took_part = sum(number == own.round for _, number in results)
            assert (compared.players, own.partial) == (took_part, False)
            told[compared.possible is not None] += 1
    assert told[True] > 50
    rounds = next(iter(found.values())).rounds
    assert [each.round for each in rounds] == [int(row["round"]) for row in tables["rounds"] if row["closed_at"]][
        -ROUNDS_TOLD:
    ]


def test_the_trades_of_a_round_make_its_gain_at_marks_and_at_private_values(tmp_path: Path) -> None:
    found, tables = reports_of(term()), tables_of(term(), tmp_path / "term")
    traded = Counter[str]()
    for player, report in found.items():
        for own in report.own.rounds:
            assert sum(position.gain for position in own.goods.values()) == own.gain == own.worth - own.start
            assert len(own.trades) < TRADES_TOLD
            for good, position in own.goods.items():
                assert sum(trade.gain for trade in own.trades if trade.good == good) == position.gain
            rows = [
                row
                for row in tables["trades"]
                if int(row["round"]) == own.round and player in (row["buyer"], row["seller"])
            ]
            numbers = [int(row["trade"]) for row in rows]
            assert [trade.trade for trade in own.trades] == numbers[-len(own.trades) :] if own.trades else True
            traded.update(trade.good for trade in own.trades)
    assert min(traded[good] for good in TERM.goods) > 5


def test_a_report_names_nobody_else() -> None:
    found = reports_of(term())
    for player, report in found.items():
        text = msgspec.json.encode(report).decode()
        assert not [other for other in found if other != player and other in text]


def test_a_log_that_begins_later_tells_what_is_known_of_earlier_rounds() -> None:
    game, some = Game.create(TERM, "epoch", BEGIN, SEED), list(entries(SEED, COMMANDS))
    half = 0
    while half < len(some) // 2 or game.state.phase != "open" or game.state.markets["wheat"].ohlcv.trades < 5:
        game.apply(some[half])
        half += 1
    late, whole = reports_of(log_of(some[half:], snapshot.dump(game))), reports_of(term())
    assert late.keys() == whole.keys()
    kinds = Counter[str]()
    for player, report in late.items():
        assert report.partial
        assert report.own.total == whole[player].own.total
        rounds = {own.round: own for own in whole[player].own.rounds}
        for own in report.own.rounds:
            known = rounds[own.round]
            assert (own.start, own.worth, own.gain) == (known.start, known.worth, known.gain)
            kinds["partial" if own.partial else "whole"] += 1
            if not own.partial:
                assert own == known
    assert min(kinds.values()) > 20


# What was possible


def test_a_class_of_four_is_told_what_was_possible() -> None:
    """Values 90, 60 and costs 30, 70 as in docs/rules.md: the price lies between 60 and 70, and 65 is its middle."""
    private = PrivateValuesDefinition(good="wheat", values=((90,), (60,)), costs=((30,), (70,)))
    definition = define_game(goods={"wheat": GoodDefinition()}, private_values=private)
    names = "ann", "bob", "cid", "dee"
    joins = tuple(Join(player=name, name=name) for name in names)
    trade = (
        PlaceOrder(player="bob", good="wheat", side="ask", qty=1, price=50),
        BuyGood(player="ann", good="wheat", qty=1),
    )
    table = Table(Game.create(definition, "e", BEGIN, 1))
    reporter = Reporter(table.game.state)
    game = Game(table.game.state, lambda _: reporter)
    for entry in (joins, trade, (SetPhase(phase="closed"),)):
        game.apply(Entry(BEGIN, entry))
    told = {}
    for name in names:
        (own,) = [msgspec.json.decode(each, type=OwnRound) for each in reporter.own[name]]
        (compared,) = map(msgspec.json.decode, reporter.compared[name])
        told[name] = own.gain, compared["possible"], compared["rank"], compared["price"]
    assert told == {"ann": (40, 25, 1, 65), "bob": (20, 35, 2, 65), "cid": (0, 0, 3, 65), "dee": (0, 0, 3, 65)}
    (own,) = [msgspec.json.decode(each, type=OwnRound) for each in reporter.own["ann"]]
    assert [(trade.side, trade.price, trade.value, trade.gain) for trade in own.trades] == [("bid", 50, 90, 40)]
    assert own.values == (90,)


# Bounds


@given(
    prices=st.lists(st.integers(1, 1_000), max_size=400).map(lambda drawn: list(enumerate(drawn))),
    most=st.integers(4, 60),
)
def test_few_prices_keep_the_extremes_and_the_last(prices: list[tuple[int, int]], most: int) -> None:
    kept = thinned(prices, most)
    assert len(kept) <= most + 1
    assert kept == sorted(set(kept) & set(prices))
    if prices:
        drawn = [price for _, price in prices]
        assert kept[-1] == prices[-1]
        assert {min(drawn), max(drawn)} <= {price for _, price in kept}
    if len(prices) <= most:
        assert kept == prices


def test_a_round_with_ever_so_many_trades_is_told_in_few() -> None:
    definition = define_game(cash=10**9, goods={"grain": GoodDefinition(endowment=10**6)})
    game = Game.create(definition, "e", BEGIN, 1)
    reporter = Reporter(game.state)
    game = Game(game.state, lambda _: reporter)
    game.apply(Entry(BEGIN, (Join(player="ann", name="ann"), Join(player="bob", name="bob"))))
    for at in range(2 * PRICES_TOLD):
        order = PlaceOrder(player="ann", good="grain", side="ask", qty=1, price=10 + at % 7)
        game.apply(Entry(BEGIN + at, (order, BuyGood(player="bob", good="grain", qty=1))))
    assert {len(kept) for kept in reporter.fills.values()} == {TRADES_TOLD * 42}
    game.apply(Entry(BEGIN + 10_000, (SetPhase(phase="closed"),)))
    own = msgspec.json.decode(reporter.own["bob"][0], type=OwnRound)
    assert [trade.trade for trade in own.trades] == list(range(2 * PRICES_TOLD - TRADES_TOLD + 1, 2 * PRICES_TOLD + 1))
    assert (own.goods["grain"].bought, own.partial) == (2 * PRICES_TOLD, False)
    round_ = msgspec.json.decode(reporter.rounds[0])
    assert len(round_["goods"]["grain"]["prices"]) <= PRICES_TOLD + 1
    assert not reporter.fills
    assert not reporter.prices


def test_only_the_last_rounds_are_told() -> None:
    game = Game.create(define_game(), "e", BEGIN, 1)
    reporter = Reporter(game.state)
    game = Game(game.state, lambda _: reporter)
    game.apply(Entry(BEGIN, (Join(player="ann", name="ann"),)))
    for number in range(ROUNDS_TOLD + 5):
        for phase in ("closed", "open"):
            game.apply(Entry(BEGIN + number, (SetPhase(phase=phase), Join(player="ann", name="ann"))))
        ask = PlaceOrder(player="bob", good="grain", side="ask", qty=1, price=1)
        game.apply(
            Entry(BEGIN + number, (Join(player="bob", name="bob"), ask, BuyGood(player="ann", good="grain", qty=1)))
        )
    own = msgspec.json.decode(b'{"total":0,"rounds":[%b]}' % b",".join(reporter.own["ann"]), type=Own)
    assert len(own.rounds) == len(reporter.rounds) == ROUNDS_TOLD


@pytest.mark.parametrize("cut", [-1, 100])
def test_a_wrong_log_gives_no_report(cut: int) -> None:
    with pytest.raises(WrongLogError):
        Reports(Replay(io.BytesIO(term()[:cut]))).make()
