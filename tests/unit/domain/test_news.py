"""Scheduled news: which come in a round and when is drawn, and nobody can know beforehand."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from attrs import evolve

from tests.support import views
from tests.support.domain import BEGIN, Table, define_game, events
from tradegame.core.domain import host_views, snapshot
from tradegame.core.domain.definition import GoodDefinition, NewsDefinition, RoundsDefinition, from_json, to_json
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.game import Game
from tradegame.infra.config import parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.protocol.commands import Entry
from tradegame.protocol.http import ComingNews
from tradegame.protocol.pushes import News

LISTED = tuple(
    NewsDefinition(at_s=at_s, jitter_s=20, text=text) for at_s, text in ((5, "rain"), (30, "sun"), (0, "fog"))
)
HOUR = 3_600_000


def told(game: Game, until: int) -> list[tuple[int, str]]:
    """The news of the open round, each with its time after the opening."""
    found = []
    while (due := game.due_at()) is not None and due < until:
        opened_at = game.state.opened_at or 0
        found += [(due - opened_at, event.text) for event in events(game.apply(Entry(due)), News)]
    return found


def test_no_round_of_the_bazaar_has_the_news_of_another() -> None:
    bazaar = parse_game_definition(presets()["bazaar"])
    definition = evolve(bazaar, goods={good: GoodDefinition() for good in bazaar.goods})  # no house: it takes its time
    rounds = set()
    for seed in range(4):
        game = Game.create(definition, "e", BEGIN, seed)
        for number in range(3):
            opened = BEGIN + number * 960_000
            found = told(game, opened + 900_000)
            assert len({text for _, text in found}) == definition.news_a_round == 8
            assert all(30_000 <= at <= 840_000 for at, _ in found)
            rounds.add(tuple(found))
            game.apply(Entry(opened + 960_000))
    assert len(rounds) == 12
    first = {each[0][1] for each in rounds}
    assert len(first) > 3  # what comes first, too, is another each time


def test_news_come_within_their_jitter_and_all_of_them_unless_fewer_are_wanted() -> None:
    for seed in range(20):
        game = Game.create(define_game(news=LISTED), "e", BEGIN, seed)
        found = told(game, BEGIN + HOUR)
        assert [at for at, _ in found] == sorted(at for at, _ in found)
        assert {text for _, text in found} == {"rain", "sun", "fog"}
        for at, text in found:
            (news,) = (each for each in LISTED if each.text == text)
            assert news.at_s * 1000 <= at <= (news.at_s + 20) * 1000


def test_so_many_as_are_wanted_are_drawn_and_each_as_often() -> None:
    counts = dict.fromkeys(("rain", "sun", "fog"), 0)
    for seed in range(300):
        game = Game.create(define_game(news=LISTED, news_a_round=2), "e", BEGIN, seed)
        found = told(game, BEGIN + HOUR)
        assert len({text for _, text in found}) == 2
        for _, text in found:
            counts[text] += 1
    assert all(160 < count < 240 for count in counts.values())


def test_nothing_that_is_told_before_the_first_hangs_on_what_will_come() -> None:
    def shown(seed: int, news: tuple[NewsDefinition, ...]) -> Any:
        rounds = RoundsDefinition(open_s=60, closed_s=5, repeat=0)
        table = Table.of("ann", "ben", seed=seed, news=news, news_a_round=1, rounds=rounds)
        state = table.game.state
        return [
            views.public_state(state),
            views.account(state, "ann"),
            views.standings(state, 9),
            views.summary(state),
            msgspec.json.encode(table.wait(4_000).frame),
        ]

    later = tuple(NewsDefinition(at_s=5, text=text, anchor_bps=9, good="grain") for text in ("war", "peace"))
    assert shown(1, LISTED[:2]) == shown(2, later)


def test_the_host_can_list_what_is_left_of_the_open_round() -> None:
    table = Table.of(news=(NewsDefinition(at_s=9, text="late"), NewsDefinition(at_s=5, text="rain", good="grain")))
    soon, late = ComingNews(BEGIN + 5_000, "rain", "grain", 0), ComingNews(BEGIN + 9_000, "late", None, 0)
    assert host_views.coming(table.game.state).news == (soon, late)
    table.wait(5_000)
    assert host_views.coming(table.game.state).news == (late,)
    table.phase("closed")
    assert host_views.coming(table.game.state).news == ()


def test_what_is_drawn_is_kept_in_a_snapshot() -> None:
    game = Game.create(define_game(news=LISTED, news_a_round=2), "e", BEGIN, 3)
    loaded = snapshot.load(snapshot.dump(game))
    assert loaded.state.news_coming == game.state.news_coming
    assert told(loaded, BEGIN + HOUR) == told(game, BEGIN + HOUR)
    assert snapshot.dump(loaded) == snapshot.dump(game)


def test_a_definition_with_drawn_news_comes_back_from_json() -> None:
    definition = define_game(news=LISTED, news_a_round=2)
    assert from_json(json.loads(json.dumps(to_json(definition)))) == definition


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"news": LISTED, "news_a_round": 4}, "news_a_round"),
        ({"news": LISTED, "news_a_round": -1}, "news_a_round"),
        ({"news": (NewsDefinition(at_s=1, jitter_s=-1, text="x"),)}, "news[0].jitter_s"),
    ],
)
def test_what_is_out_of_range_is_named(fields: dict[str, Any], path: str) -> None:
    definition = define_game(goods={"grain": GoodDefinition()}, **fields)
    assert [found for found, _ in problems(definition)] == [path]
