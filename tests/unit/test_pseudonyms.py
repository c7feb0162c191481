"""A log in which nobody has a name: whoever reads it finds nobody, and it is as sound as the log it was made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.domain import BEGIN, LIVELY, random_log
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import to_json
from tradegame.core.domain.game import Game
from tradegame.core.games.export import LogSource, export_log
from tradegame.core.games.pseudonyms import PseudonymousGames, Pseudonyms
from tradegame.core.games.verify import verify_log
from tradegame.core.repositories import GameMeta
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.kv import KvGameStateRepository
from tradegame.protocol.commands import Entry, Join, encode_entry
from tradegame.protocol.requests import Say

ANN = "p-annannannann"
KEY = b"a key of the host's own"
COMMANDS = 2_000


def id_of(number: int) -> str:
    return f"p-{number:02}".ljust(14, "x")


def played(seed: int) -> list[bytes]:
    """A lively game's log, by players with ids like real ones, names and texts that are found nowhere else."""
    log = [encode_entry(entry) for entry in random_log(LIVELY, seed, COMMANDS)]
    log = [re.sub(rb'"p(\d+)"', lambda found: f'"{id_of(int(found[1]))}"'.encode(), value) for value in log]
    log = [value.replace("ünï ☂".encode(), f'meet \\"{id_of(3)}\\" at noon'.encode()) for value in log]
    return [value.replace(b'"hi"', b'"at noon"').replace("ü".encode(), b"Miller") for value in log]


async def stored(games: KvGameStateRepository, log: list[bytes], *, generations: int) -> None:
    """The game in a store, its log in so many generations, with snapshots of the last two."""
    meta = await games.create(GameMeta("g", to_json(LIVELY), "epoch", 3, 1, BEGIN))
    game = Game.create(LIVELY, "epoch", BEGIN, 1)
    for number, value in enumerate(log, 1):
        await games.update(meta, f"n-{number}", value)
        game.apply_value(value)
        if number % (len(log) // generations) == 0:
            meta = await games.raise_generation(meta) or meta
            written, digest = snapshot.dump(game), snapshot.state_hash(game)
            meta = await games.save_snapshot(meta, meta.generation, digest, game.state.seq, written) or meta


async def export(source: LogSource, file: Path) -> bytes:
    """The exported log, which is sound."""
    exported = b"".join([piece async for piece in export_log(source, "g")])
    save(file, exported)
    report = verify_log(file, lambda done, total: None)
    assert report.problem is None
    return exported


def save(file: Path, content: bytes) -> None:
    file.write_bytes(content)


@pytest.mark.parametrize("generations", [1, 4])
async def test_nobody_is_in_it_and_it_is_sound(tmp_path: Path, generations: int) -> None:
    log = played(generations)
    async with open_sqlite(":memory:") as kv:
        games = KvGameStateRepository(kv, "t")
        await stored(games, log, generations=generations)
        plain = await export(games, tmp_path / "plain")
        hidden = await export(PseudonymousGames(games, Pseudonyms(KEY, chat=False)), tmp_path / "hidden")
        talking = await export(PseudonymousGames(games, Pseudonyms(KEY, chat=True)), tmp_path / "talking")
        other = await export(PseudonymousGames(games, Pseudonyms(KEY[1:], chat=False)), tmp_path / "other")
    ids = {id_of(number).encode() for number in range(12)}
    told = {each for each in (*ids, b"Miller", b"at noon") if each in plain}
    assert len(told) > 10
    assert [each for each in told if each in hidden] == []
    assert b"at noon" in talking
    assert b"Miller" not in talking
    assert hidden.count(b"\n") == plain.count(b"\n"), "everything else is there"
    of = Pseudonyms(KEY, chat=False).of
    assert of(id_of(1)).encode() in hidden, "the same in every export"
    assert of(id_of(1)).encode() not in other, "and another with another key"


def test_a_pseudonym_looks_like_an_id_and_the_key_is_what_it_hangs_on() -> None:
    one, two = Pseudonyms(KEY, chat=False), Pseudonyms(KEY, chat=True)
    assert re.fullmatch(r"p-[a-z0-9]{12}", one.of(ANN))
    assert one.of(ANN) == two.of(ANN) != Pseudonyms(b"another", chat=False).of(ANN)
    assert len({one.of(id_of(number)) for number in range(100)}) == 100


def test_a_text_is_left_out_and_whom_it_was_for_is_another_id() -> None:
    said = Say(game="g", player=ANN, text='Ann Miller, "p-annannannann"', to=id_of(1))
    entry = Entry(BEGIN, (Join(player=ANN, name="Ann Miller"), said))
    value = Pseudonyms(KEY, chat=False).entry(encode_entry(entry))
    assert b"Miller" not in value
    assert ANN.encode() not in value
    assert value.count(Pseudonyms(KEY, chat=False).of(ANN).encode()) == 3
    assert Pseudonyms(KEY, chat=False).of(id_of(1)).encode() in value
