"""A log's tables against the log: every row is there, the sums are the game's, and every program reads the same."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command_line import tradegame
from tests.support.domain import BEGIN
from tests.support.term import SEED, TERM, TEXTS, Ledger, entries, log_of
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.game import Game
from tradegame.core.games.replay import Replay
from tradegame.core.tables import worker
from tradegame.core.tables.columns import Kind, columns, spelled
from tradegame.core.tables.csv_files import guarded, unguarded
from tradegame.core.tables.export import export
from tradegame.core.tables.rows import TABLES, OrderRow, PlayerRow, Row

Table = list[dict[str, str]]
SHORT, LONG = 5_000, 100_000
MS = timedelta(milliseconds=1)
HOSTING = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text()
LENGTHS = [SHORT, pytest.param(LONG, marks=pytest.mark.slow)]


@cache
def played(commands: int) -> tuple[bytes, Ledger]:
    """The log of a game, and what the game told."""
    ledger = Ledger(Game.create(TERM, "epoch", BEGIN, SEED))
    return log_of(ledger.play(entries(SEED, commands))), ledger


@pytest.fixture(scope="module", params=LENGTHS)
def game(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    """A folder of CSV files, and what the game told."""
    log, ledger = played(request.param)
    folder = tmp_path_factory.mktemp("export") / "term"
    export(Replay(io.BytesIO(log)), folder)
    return folder, ledger


def read(folder: Path, sheet: str, separator: str = ",") -> Table:
    text = (folder / f"{sheet}.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def number(cell: str) -> int:
    return int(cell or 0)


def test_there_are_as_many_rows_as_the_game_told_of(game: tuple[Path, Ledger]) -> None:
    folder, ledger = game
    state, counts = ledger.game.state, ledger.counts
    orders = read(folder, "orders")
    placed = Counter((row["kind"], row["side"]) for row in orders)
    assert (placed["market", "bid"], placed["market", "ask"]) == (counts["buy"], counts["sell"])
    ids = [row["order"] for row in orders if row["kind"] == "limit"]
    amended = sum(row["replaces"] != "" for row in orders)
    assert len(ids) == len(set(ids)) == counts["order"] + amended
    assert 0 < amended <= counts["amend"]
    found = {sheet: len(read(folder, sheet)) for sheet in ("trades", "chat", "hints")}
    assert found == {sheet: counts[sheet] for sheet in found}
    assert len(read(folder, "news")) == counts["headlines"]
    assert min(counts["headlines"], *found.values()) > 0
    players = read(folder, "players")
    assert {row["player"] for row in players if row["removed"] == "false"} == set(state.players)
    closed = [number(row["round"]) for row in read(folder, "rounds") if row["closed_at"]]
    assert closed == list(range(1, len(closed) + 1))
    assert len(closed) == state.round - (state.phase != "closed")
    idle = [
        round((datetime.fromisoformat(row["closed_at"]) - datetime.fromisoformat(row["opened_at"])) / MS)
        - number(row["open_ms"])
        for row in read(folder, "rounds")
        if row["closed_at"]
    ]
    assert min(idle) >= 0
    assert max(idle) > 0, "the host paused some"
    facts = {row["item"]: row["value"] for row in read(folder, "game")}
    assert (facts["state"], facts["whole"]) == (snapshot.state_hash(ledger.game), "true")
    assert facts["definition.goods.oil.settlement.values[2]"] == "30"


def test_the_volumes_and_fees_are_the_games(game: tuple[Path, Ledger]) -> None:
    folder, ledger = game
    volume, notional = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    trades = read(folder, "trades")
    for row in trades:
        where = number(row["round"]), row["good"]
        volume[where] += number(row["qty"])
        notional[where] += number(row["qty"]) * number(row["price"])
    assert (volume, notional) == (ledger.volume, ledger.notional)
    assert [number(row["trade"]) for row in trades] == list(range(1, ledger.game.state.trades + 1))
    taken = sum(number(row["fee"]) for row in trades if "house" not in (row["buyer"], row["seller"]))
    assert 0 < taken <= ledger.fees <= sum(number(row["fee"]) for row in trades)
    for row in read(folder, "goods"):
        where = number(row["round"]), row["good"]
        assert (number(row["volume"]), number(row["notional"])) == (volume[where], notional[where])


def test_scores_and_gains_follow_from_the_tables_alone(game: tuple[Path, Ledger]) -> None:
    """By docs/rules.md: what each good has made, at the marks or private values, out of the trades."""
    folder, ledger = game
    definition, state = ledger.game.state.definition, ledger.game.state
    flows: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])  # units, coins
    for row in read(folder, "trades"):
        where, qty = (number(row["round"]), row["good"]), number(row["qty"])
        cost, fee = qty * number(row["price"]), number(row["fee"])
        for side, sign in (("buyer", 1), ("seller", -1)):
            flow = flows[where[0], row[side], where[1]]
            flow[0] += sign * qty
            flow[1] -= sign * cost + fee * ((row["taker"] == "buy") == (side == "buyer"))
    marks = {(number(row["round"]), row["good"]): number(row["mark"]) for row in read(folder, "goods")}
    values: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in read(folder, "values"):
        values[number(row["round"]), row["player"]].append(number(row["value"]))
    totals = Counter[str]()
    results = read(folder, "results")
    for row in results:
        round_, player = number(row["round"]), row["player"]
        made = 0
        for good in definition.goods:
            units, coins = flows[round_, player, good]
            if good == "wheat":
                own = values[round_, player]
                given = len(own) if row["role"] == "seller" else 0
                made += coins + sum(own[: given + units]) - sum(own[:given])
            else:
                made += coins + units * marks[round_, good]
        gain = number(row["worth"]) - number(row["start"])
        assert number(row["gain"]) == gain
        assert gain == made or (round_, player) in ledger.removed, row
        totals[player] += gain
    assert len(results) > 50
    players = [row for row in read(folder, "players") if row["removed"] == "false"]
    rejoined = {row["player"] for row in players if state.players[row["player"]].score != totals[row["player"]]}
    assert len(rejoined) <= ledger.counts["remove"], "who was removed begins anew"
    scores = {player: fields.score for player, fields in state.players.items()}
    assert {row["player"]: number(row["total"]) for row in players} == scores
    ranked = sorted(scores.values(), reverse=True)
    assert all(ranked.index(number(row["total"])) + 1 == number(row["rank"]) for row in players)
    wide = {
        (number(name.removeprefix("gain_")), row["player"]): cell
        for row in read(folder, "players")
        for name, cell in row.items()
        if name.startswith("gain_") and cell
    }
    gains = {(number(row["round"]), row["player"]): row["gain"] for row in results}
    shown = {round_ for round_, _ in wide}
    assert wide == {where: gain for where, gain in gains.items() if where[0] in shown}
    assert len(shown) == min(30, len({round_ for round_, _ in gains}))


def test_no_coin_and_no_unit_comes_from_nowhere(game: tuple[Path, Ledger]) -> None:
    folder, ledger = game
    assert list(audit(ledger.game.state)) == []
    state, traded = ledger.game.state, defaultdict[str, list[int]](lambda: [0, 0, 0])
    for row in read(folder, "trades"):
        if number(row["round"]) != state.round:
            continue
        qty, cost, fee = number(row["qty"]), number(row["qty"]) * number(row["price"]), number(row["fee"])
        buys = row["taker"] == "buy"
        traded[row["buyer"]][0] -= cost + fee * buys
        traded[row["seller"]][0] += cost - fee * (not buys)
        traded[row["buyer"]][1] += qty
        traded[row["seller"]][2] += qty
    if state.phase == "open":
        for player in state.dealt:
            account = state.accounts[player]
            assert account.cash + account.held_cash == TERM.cash + traded[player][0], player
    fees = sum(number(row["fee"]) for row in read(folder, "trades") if number(row["round"]) == state.round)
    assert sum(cash for cash, _, _ in traded.values()) == -fees
    assert sum(bought - sold for _, bought, sold in traded.values()) == 0


def test_every_order_is_accounted_for(game: tuple[Path, Ledger]) -> None:
    folder, ledger = game
    filled = Counter[str]()
    for row in read(folder, "trades"):
        for order in (row["buyer_order"], row["seller_order"]):
            filled[order] += number(row["qty"])
    endings = Counter[str]()
    for row in read(folder, "orders"):
        assert number(row["qty"]) == number(row["filled"]) + number(row["reduced"]) + number(row["left"]), row
        if row["order"]:
            assert number(row["filled"]) == filled[row["order"]], row
        assert (row["became"] == "filled") <= (number(row["left"]) == 0)
        assert (row["became"] == "open") == (row["ended_at"] == "")
        endings[row["became"]] += 1
    accounts = ledger.game.state.accounts.items()
    still = {order.id for name, account in accounts if name != "house" for order in account.orders.values()}
    assert {row["order"] for row in read(folder, "orders") if row["became"] == "open"} == still
    usual = {"filled", "cancelled", "met_own", "replaced", "disconnected", "round_over", "expired"}
    assert usual <= set(endings) <= {*usual, "open"}


def test_quotes_end_as_the_book_does_and_never_repeat(game: tuple[Path, Ledger]) -> None:
    folder, ledger = game
    last: dict[str, tuple[str, ...]] = {}
    for row in read(folder, "quotes"):
        told = tuple(row[name] for name in ("bid", "bid_qty", "ask", "ask_qty"))
        assert told != last.get(row["good"])
        assert not row["bid"] or not row["ask"] or number(row["bid"]) < number(row["ask"])
        last[row["good"]] = told
    for good, market in ledger.game.state.markets.items():
        levels = [*market.book.levels("bid", 1), *market.book.levels("ask", 1)]
        assert [number(cell) for cell in last[good] if cell] == [part for level in levels for part in level]


# What other programs read


def typed(folder: Path, kind: type[Row], frame: Any) -> Any:
    """A frame as pandas has read it, with times as times."""
    import pandas  # takes half a second, here and below: not in each worker that collects this file

    for column in columns(kind):
        if column.kind is Kind.TIME and len(frame):
            frame[column.name] = pandas.to_datetime(frame[column.name], utc=True)
    return frame


def test_pandas_reads_the_same_from_both_formats(game: tuple[Path, Ledger], tmp_path: Path) -> None:
    import pandas

    folder, _ = game
    book = tmp_path / "term.xlsx"
    export(Replay(io.BytesIO(played(_commands(game))[0])), book)
    empty = {"keep_default_na": False, "na_values": [""]}
    sheets = pandas.read_excel(book, sheet_name=None, **empty)
    assert list(sheets) == [kind.sheet for kind in TABLES]
    for kind in TABLES:
        plain = typed(folder, kind, pandas.read_csv(folder / f"{kind.sheet}.csv", **empty))
        for column in columns(kind):
            if column.kind is Kind.TEXT:
                plain[column.name] = plain[column.name].map(unguarded, na_action="ignore")
        excel = typed(folder, kind, sheets[kind.sheet])
        for name in excel.select_dtypes("datetimetz"):  # to the ms: a day is a double
            excel[name] = excel[name].dt.round("ms")
        if kind.sheet == "game":
            excel["value"] = excel["value"].astype("string")
            plain["value"] = plain["value"].astype("string")
        pandas.testing.assert_frame_equal(excel, plain, check_dtype=False)


def _commands(game: tuple[Path, Ledger]) -> int:
    return LONG if game[1].game.state.commands >= LONG else SHORT


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice: apt-get install libreoffice-calc-nogui")
def test_libreoffice_reads_what_the_csv_holds(game: tuple[Path, Ledger], tmp_path: Path) -> None:
    folder, _ = game
    book = tmp_path / "term.xlsx"
    export(Replay(io.BytesIO(played(_commands(game))[0])), book)
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    office = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
    command = [*office, "--convert-to", every_sheet, "--outdir", str(tmp_path), str(book)]
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, timeout=540, env=environment)
    for kind in TABLES:
        with (tmp_path / f"term-{kind.sheet}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        expected = read(folder, kind.sheet)
        if expected:
            assert header == list(expected[0])
        texts = {column.name for column in columns(kind) if column.kind is Kind.TEXT}
        times = {column.name for column in columns(kind) if column.kind is Kind.TIME}
        wanted = [[_as_office_shows(name, cell, texts, times) for name, cell in row.items()] for row in expected]
        assert rows == wanted, kind.sheet


def _as_office_shows(name: str, cell: str, texts: set[str], times: set[str]) -> str:
    if name in texts:
        return unguarded(cell)
    if name in times:
        return cell.replace("T", " ").removesuffix("Z")
    return cell.upper() if name in ("robot", "removed", "by_robot", "practice") else cell


# Formats


@given(st.text(alphabet="=+-@'＝\t\n;,|\"ab ", max_size=12))
def test_a_guard_is_undone_exactly_and_no_cell_can_begin_a_formula(text: str) -> None:
    safe = guarded(text)
    assert unguarded(safe) == text
    for separator in '\t\n;,|"':
        assert not any(cell[:1] in tuple("=+-@＝") for cell in safe.split(separator) if cell)


def test_texts_stay_texts_in_a_workbook(tmp_path: Path) -> None:
    import pandas

    book = tmp_path / "term.xlsx"
    export(Replay(io.BytesIO(played(SHORT)[0])), book)
    with zipfile.ZipFile(book) as archive:
        names = archive.namelist()
        xml = b"".join(archive.read(name) for name in names if name.startswith("xl/worksheets/sheet"))
    assert b"<f>" not in xml
    assert b"hyperlink" not in xml.lower().replace(b"=hyperlink(", b"")
    assert not [name for name in names if "_rels/sheet" in name], "a link to elsewhere"
    said = pandas.read_excel(book, sheet_name="chat", keep_default_na=False, na_values=[""])["text"].dropna()
    assert set(said) == set(TEXTS)


def test_separators_and_the_form_of_rfc_4180(tmp_path: Path) -> None:
    for name, separator in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        log = tmp_path / "term.jsonl"
        log.write_bytes(played(SHORT)[0])
        result = tradegame("export", str(log), "-o", str(tmp_path / name), "--separator", name)
        assert result.exit_code == 0, result.output
        assert " trades, " in result.output
        for kind in TABLES:
            written = (tmp_path / name / f"{kind.sheet}.csv").read_bytes()
            assert written.startswith("\ufeff".encode())
            assert written.endswith(b"\r\n")
        plain = [[*row.values()] for row in read(tmp_path / "comma", "chat")]
        assert [[*row.values()] for row in read(tmp_path / name, "chat", separator)] == plain


def test_what_finds_no_room_in_a_sheet_goes_on_in_a_csv_file_and_the_workbook_says_so(tmp_path: Path) -> None:
    import pandas

    log, _ = played(SHORT)
    whole = tmp_path / "whole"
    export(Replay(io.BytesIO(log)), whole)
    _, notes = export(Replay(io.BytesIO(log)), tmp_path / "term.xlsx", sheet_rows=301)
    told = dict(note.split(": ") for note in notes)
    sheets = pandas.read_excel(tmp_path / "term.xlsx", sheet_name=None, keep_default_na=False, na_values=[""])
    facts = sheets["game"].set_index("item")["value"]
    assert {"trades", "orders", "quotes", "chat"} <= set(told)
    for sheet, note in told.items():
        every = read(whole, sheet)
        with (tmp_path / f"term-{sheet}.csv").open(newline="", encoding="utf-8-sig") as file:
            rest = list(csv.DictReader(file))
        assert len(sheets[sheet]) == 300
        assert rest == every[300:]
        assert (
            note == facts[f"rest_of.{sheet}"] == f"300 rows are in this workbook, {len(rest)} more in term-{sheet}.csv"
        )


def test_what_a_server_makes_is_one_file_whatever_finds_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = played(SHORT)[0]
    monkeypatch.setattr(os, "nice", lambda by: None)
    for rows, made in ((1_000_000, {"term.xlsx"}), (301, {"term.zip"})):
        folder = tmp_path / str(rows)
        folder.mkdir()
        monkeypatch.setattr(worker, "export", partial(export, sheet_rows=rows))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log)))
        assert worker.main([str(folder / "term.xlsx"), ","]) == 0
        assert {file.name for file in folder.iterdir()} == made
    with zipfile.ZipFile(tmp_path / "301" / "term.zip") as archive:
        assert {"term.xlsx", "term-trades.csv"} <= set(archive.namelist())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log[:-1])))
    assert worker.main([str(tmp_path / "term.xlsx"), ","]) == 1
    assert "the file ends early" in capsys.readouterr().err


def test_a_zip_has_the_files_of_a_folder(tmp_path: Path) -> None:
    log, _ = played(SHORT)
    export(Replay(io.BytesIO(log)), tmp_path / "folder")
    export(Replay(io.BytesIO(log)), tmp_path / "term.zip")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "term.zip"], "nothing is left behind"
    with zipfile.ZipFile(tmp_path / "term.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {file.name: file.read_bytes() for file in (tmp_path / "folder").iterdir()}


def test_every_column_is_in_the_codebook(tmp_path: Path) -> None:
    export(Replay(io.BytesIO(played(SHORT)[0])), tmp_path / "term")
    codebook = read(tmp_path / "term", "codebook")
    told = {(row["table"], row["column"]) for row in codebook}
    assert all(row["meaning"] for row in codebook)
    for kind in TABLES:
        with (tmp_path / "term" / f"{kind.sheet}.csv").open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file))
        assert {(kind.sheet, name) for name in header} <= told
        assert (kind.sheet, "") in told
    assert {column.name for column in columns(OrderRow)} == set(OrderRow.__struct_fields__)
    assert [column.name for column in columns(PlayerRow, (4, 5)) if "gain" in column.name] == ["gain_4", "gain_5"]


def test_the_hosts_page_lists_the_tables() -> None:
    chapter = HOSTING.split("\n## Grades and data\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)
    assert listed == [kind.sheet for kind in TABLES]


def test_the_code_for_pandas_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(import pandas.*?)```", HOSTING, re.DOTALL)
    log = played(SHORT)[0]
    export(Replay(io.BytesIO(log)), tmp_path / "monday.xlsx")
    export(Replay(io.BytesIO(log)), tmp_path / "monday")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(code, found)
    players = read(tmp_path / "monday", "players")
    assert list(found["grades"]["name"]) == [
        unguarded(row["name"]) for row in sorted(players, key=lambda row: number(row["rank"]) or 99)
    ]
    assert set(found["chat"]["text"].dropna()) == set(TEXTS)
    assert found["alpha"].notna().any()
    assert set(found["alpha"].dropna().index.get_level_values("good")) == {"wheat"}


# The log


def test_a_log_that_begins_later_says_so_and_tells_the_rest(tmp_path: Path) -> None:
    game, some = Game.create(TERM, "epoch", BEGIN, SEED), list(entries(SEED, SHORT))
    half = len(some) // 2
    for entry in some[:half]:
        game.apply(entry)
    base = snapshot.dump(game)
    log = log_of(some[half:], base)
    export(Replay(io.BytesIO(log)), tmp_path / "late")
    export(Replay(io.BytesIO(played(SHORT)[0])), tmp_path / "whole")
    facts = {row["item"]: row["value"] for row in read(tmp_path / "late", "game")}
    assert facts["whole"] == "false"
    assert facts["begins_at"] == spelled(game.state.clock)
    late, whole = read(tmp_path / "late", "trades"), read(tmp_path / "whole", "trades")
    assert late == whole[-len(late) :]
    assert len(late) == int(facts["trades"]) > 0
    for sheet in ("rounds", "goods", "results"):
        known = [{**row, "open_ms": ""} for row in read(tmp_path / "whole", sheet)]
        assert [{**row, "open_ms": ""} for row in read(tmp_path / "late", sheet)] == known
    totals = {(row["player"], row["total"], row["rank"]) for row in read(tmp_path / "whole", "players")}
    assert {(row["player"], row["total"], row["rank"]) for row in read(tmp_path / "late", "players")} == totals


def test_a_changed_log_gives_nothing_but_the_line(tmp_path: Path) -> None:
    log = played(SHORT)[0].splitlines(keepends=True)
    log[100] = log[100].replace(b'"at":1', b'"at":2')
    (tmp_path / "term.jsonl").write_bytes(b"".join(log))
    result = tradegame("export", str(tmp_path / "term.jsonl"), "-o", str(tmp_path / "term.xlsx"))
    assert result.exit_code == 1
    assert "line 101: the chain breaks" in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["term.jsonl"]
    result = tradegame("export", str(tmp_path / "no.jsonl"), "-o", str(tmp_path / "term.xlsx"))
    assert (result.exit_code, "no.jsonl: No such file" in result.output) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["term", "term.xlsx"])
def test_memory_does_not_grow_with_the_log(name: str, tmp_path: Path) -> None:
    peaks = []
    for commands in (20_000, 60_000):  # by then each player has as many keys as are remembered
        some = entries(SEED, commands)
        file = tmp_path / "log"
        file.write_bytes(log_of(some))
        tracemalloc.start()
        with file.open("rb") as log:
            export(Replay(log), tmp_path / name)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], peaks
    assert peaks[1] < 30e6, peaks
