"""Shows the cluster until cancelled: a live screen with keys, or lines."""

from __future__ import annotations

import os
from pathlib import Path

import trio
from rich.console import Console
from rich.live import Live

from tradegame.cluster.log import Line, Log
from tradegame.cluster.screen.keyboard import pressed, raw_keyboard
from tradegame.cluster.screen.layout import render, status_line
from tradegame.cluster.screen.observer import Observer
from tradegame.cluster.screen.view import View

REFRESH_S = 0.25
LINE_EVERY_S = 1.0
FREEZING = "freeze or thaw which? 1-9 a node, a-e a member"
SHIFTED = {symbol: str(number) for number, symbol in enumerate("!@#$%^&*(", 1)}
"""Shift and a digit, on a keyboard for American English."""
PICTURE_WIDTH = 110
PICTURE_HEIGHT = 32


def print_line(line: Line) -> None:
    """Print an event, where there is no screen."""
    print(line, flush=True)


async def show_lines(observer: Observer, log: Log) -> None:
    """Print a status line every second once traffic flows; the log's listener prints events."""
    while True:
        await trio.sleep(LINE_EVERY_S)
        if observer.began is not None:
            print(Line(log.clock(), "status", "info", status_line(observer.view())), flush=True)


async def show_screen(observer: Observer, quit_: trio.Event, actions: trio.Nursery) -> None:
    """The live screen; what a key asks for runs in ``actions``. Raises OSError if the terminal is gone."""
    console = Console()
    with raw_keyboard(), Live(console=console, screen=True, auto_refresh=False) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_obey, observer, quit_, actions)
            while True:
                live.update(render(observer.view(), console.height, console.width), refresh=True)
                await trio.sleep(REFRESH_S)


def save_picture(view: View, path: Path) -> None:
    """The screen as an SVG, 110 columns wide. Raises OSError."""
    with open(os.devnull, "w") as nowhere:
        console = Console(
            record=True,
            width=PICTURE_WIDTH,
            height=PICTURE_HEIGHT,
            file=nowhere,
            force_terminal=True,
            color_system="truecolor",
        )
        console.print(render(view, PICTURE_HEIGHT, PICTURE_WIDTH))
        path.write_text(console.export_svg(title="tradegame cluster"), encoding="utf-8")


async def _obey(observer: Observer, quit_: trio.Event, actions: trio.Nursery) -> None:
    stage = observer.stage
    async for key in pressed():
        freezing, observer.hint = bool(observer.hint), ""
        letter = key.lower()
        if key in "qQ\x04":
            quit_.set()
        elif observer.began is None:
            continue  # nothing to kill before the cluster is up
        elif letter == "f" and not freezing:
            observer.hint = FREEZING
        elif letter == "l":
            actions.start_soon(stage.toggle, "leader")
        elif letter == "r":
            actions.start_soon(stage.rolling_restart)
        elif key in SHIFTED or key in "ABCDE":
            actions.start_soon(stage.toggle_frozen, SHIFTED.get(key, letter))
        elif key.isdigit() or letter in "abcde":
            actions.start_soon(stage.toggle_frozen if freezing else stage.toggle, letter)
