"""What the audience of ``tradegame cluster`` sees."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

import pytest
from attrs import evolve
from rich.console import Console

from tradegame.cluster.log import Line
from tradegame.cluster.screen.layout import render, status_line
from tradegame.cluster.screen.show import save_picture
from tradegame.cluster.screen.view import MemberRow, NodeRow, View

NODE = NodeRow(key="1", name="node1", port=8765, condition="serving", clients=12, per_s=43.2, p99_ms=18.4, lag=2)
MEMBER = MemberRow(key="a", name="etcd-a", port=20001, condition="serving", leads=True, db_bytes=2_150_000)
VIEW = View(
    game="bazaar",
    join="http://127.0.0.1:8765/",
    running_s=83.0,
    bots=8,
    clients=20,
    playing=19,
    nodes=[
        NODE,
        evolve(NODE, key="2", name="node2", port=8766, condition="killed"),
        evolve(NODE, key="3", name="node3", port=8767, condition="frozen"),
    ],
    members=[MEMBER, evolve(MEMBER, key="b", name="etcd-b", leads=False, condition="killed")],
    per_s=142.0,
    p99_ms=18.4,
    failovers=13,
    longest_s=1.84,
    acknowledged=12_345,
    checked=11_001,
    unanswered=0,
    lost=0,
    doubled=0,
    lines=[Line(float(n), "node1", "info", f"line {n}") for n in range(40)],
)


def to_text(view: View, height: int = 32, width: int = 110) -> str:
    """The screen without colours."""
    console = Console(width=width, height=height, file=StringIO(), color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(render(view, height, width))
    return capture.get()


def test_the_screen_shows_who_lives_who_leads_and_the_load() -> None:
    text = to_text(VIEW)
    for part in ("node1", "8765", "● serving", "✕ killed", "❄ frozen", "★ leader", "2.1 MB", "etcd-b"):
        assert part in text
    for part in ("142  commands/s", "18 ms  p99", "13  failovers", "1.84 s  longest wait", "12,345  acknowledged"):
        assert part in text
    assert "http://127.0.0.1:8765/   01:23" in text
    assert "bazaar, 8 bots, 19 of 20 clients" in text


@pytest.mark.parametrize(("width", "height"), [(110, 32), (108, 30), (160, 60)])
def test_the_screen_fits_its_terminal_and_nothing_is_cut(width: int, height: int) -> None:
    lines = to_text(VIEW, height, width).splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


def test_a_narrow_terminal_gets_the_tables_one_over_the_other() -> None:
    lines = to_text(VIEW, 40, 80).splitlines()
    assert len(lines) <= 40
    assert not any("node1" in line and "etcd-a" in line for line in lines)


@pytest.mark.parametrize(
    ("width", "height", "nodes", "members", "log_lines"),
    [(80, 24, 3, 3, 3), (80, 25, 3, 3, 4), (80, 26, 3, 3, 3), (60, 15, 1, 1, 2), (100, 30, 3, 3, 7), (40, 10, 3, 3, 4)],
)
def test_what_the_tables_leave_is_the_logs_and_the_title_is_one_line(
    width: int, height: int, nodes: int, members: int, log_lines: int
) -> None:
    view = evolve(VIEW, nodes=[NODE] * nodes, members=[MEMBER] * members)
    lines = to_text(view, height, width).splitlines()
    assert len(lines) == height
    assert "19 of 20 c" in lines[0]
    assert "clients" not in lines[1].split()
    if width >= 60:
        assert "http://127.0.0.1:8765/" in lines[0]
    shown = [line for line in lines if " line " in line]
    assert len(shown) == log_lines
    assert "line 39" in shown[-1]


def test_the_newest_lines_of_the_log_are_those_that_are_shown() -> None:
    text = to_text(VIEW, 26)
    assert "line 39" in text
    assert "line 20" not in text


def test_nine_nodes_and_five_members_fit_too() -> None:
    nodes = [evolve(NODE, key=str(n), name=f"node{n}", port=8764 + n) for n in range(1, 10)]
    members = [evolve(MEMBER, key=each, name=f"etcd-{each}") for each in "abcde"]
    assert len(to_text(evolve(VIEW, nodes=nodes, members=members), 32).splitlines()) <= 32


def colours(view: View) -> str:
    console = Console(width=110, height=32, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        console.print(render(view, 32, 110))
    return capture.get()


def test_nothing_lost_is_green_and_anything_lost_is_red() -> None:
    assert "\x1b[1;32m█▀█" in colours(VIEW)
    lost = colours(evolve(VIEW, lost=12))
    assert "\x1b[1;31m▀█   ▀▀█" in lost
    assert "\x1b[1;32m█▀█" in lost  # doubled is still 0


def test_what_a_key_waits_for_takes_the_place_of_the_keys() -> None:
    assert "rolling restart" in to_text(VIEW)
    text = to_text(evolve(VIEW, hint="freeze which?"))
    assert "freeze which?" in text
    assert "rolling restart" not in text


def test_a_status_line_tells_all_of_it() -> None:
    assert status_line(VIEW) == (
        "nodes 1:serving 2:killed 3:frozen · members a*:serving b:killed · 142 commands/s · p99 18 ms · failovers 13 · "
        "longest wait 1.84 s · acknowledged 12345 · checked 11001 · lost 0 · doubled 0"
    )


def test_a_picture_is_an_svg_of_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "cluster.svg"
    save_picture(VIEW, path)
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "node1" in text
