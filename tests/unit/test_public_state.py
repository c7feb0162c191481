"""The state in parts: the same document as the whole, of which only what has changed is encoded again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import views
from tests.support.domain import BEGIN, LIVELY, Table, house, random_log
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import GoodDefinition
from tradegame.core.domain.game import Game
from tradegame.core.games.public_state import CHUNK, CHUNK_MOST, PublicState
from tradegame.protocol.commands import Join, Remove


def shown(public: PublicState, game: Game) -> Any:
    return json.loads(b"".join(public.encoded(game.state).pieces))


def whole(game: Game) -> Any:
    return json.loads(json.dumps(views.public_state(game.state)))


@pytest.mark.parametrize("seed", range(4))
def test_after_every_entry_it_is_the_same_document(seed: int) -> None:
    game, public = Game.create(LIVELY, "epoch", BEGIN, seed), PublicState()
    assert shown(public, game) == whole(game)
    for number, entry in enumerate(random_log(LIVELY, seed, 600)):
        game.apply(entry)
        if number % (seed + 1) == 0:
            assert shown(public, game) == whole(game)


def test_however_many_players_there_are_they_are_all_shown_in_their_order() -> None:
    table, public = Table.of(), PublicState()
    for count in range(1, 3 * CHUNK_MOST):
        table.join(f"p{count}")
        if count % 97 == 0 or count % CHUNK in (0, 1):
            assert list(shown(public, table.game)["players"]) == [f"p{number}" for number in range(1, count + 1)]


def test_a_state_that_was_read_anew_is_shown_as_it_is() -> None:
    table, public = Table.of("ann", "bob"), PublicState()
    table.say("ann", "hi")
    shown(public, table.game)
    loaded = snapshot.load(snapshot.dump(table.game))
    loaded.state.players["bob"].name = "Robert"
    assert shown(public, loaded) == whole(loaded)


@pytest.mark.parametrize("back", ["ann", "cem"])
def test_who_went_and_who_came_between_two_looks_are_seen_though_there_are_as_many(back: str) -> None:
    table, public = Table.of("ann", "bob"), PublicState()
    shown(public, table.game)
    for player in ("ann", "bob"):
        table.do(Remove(account=player, moved=True))
    for player in (back, "bob"):
        table.do(Join(player=player, name=f"{player} anew"))
    assert shown(public, table.game) == whole(table.game)


def test_three_hundred_joins_share_all_but_a_few_kilobytes_of_a_large_state() -> None:
    table, public = Table.of(goods={"grain": GoodDefinition(house=house())}), PublicState()
    for number in range(10_000):
        table.do(Join(player=f"p-{number:012d}", name=f"player {number:05d}"))
    first = public.encoded(table.game.state).pieces
    held = {id(piece): piece for piece in first}
    total = len(b"".join(first))
    kept = [first]
    for number in range(300):
        table.do(Join(player=f"q-{number:012d}", name=f"pupil {number:05d}"))
        kept.append(public.encoded(table.game.state).pieces)
        held.update({id(piece): piece for piece in kept[-1]})
    assert total > 400_000
    assert sum(map(len, held.values())) < 3 * total  # in whole they would be 120 MB
    assert len(kept[-1]) < 40
