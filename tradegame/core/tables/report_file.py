"""All reports of a game in one file: how they come from the process that makes them to the server that shows them.

A line with what they are of, a line with what everybody saw of the rounds, then a line a player: the id and the two
parts that are theirs, with tabs between.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from attrs import define

from tradegame.core.domain.state import GameState
from tradegame.core.games.replay import Replay
from tradegame.core.tables.reports import Reports

Closed = tuple[int, int]
"""The last round that closed, and when, in ms."""
NEVER: Closed = (0, 0)
SUFFIX = ".reports"
"""Of such a file's name."""


def last_closed(state: GameState) -> Closed:
    """Reports tell of closed rounds alone: so they are the same until this changes."""
    return (state.results[-1]["round"], state.results[-1]["closed_at"]) if state.results else NEVER


def write(replay: Replay, target: Path) -> None:
    """Make the reports of a log. Raises WrongLogError and OSError."""
    reports = Reports(replay)
    state = reports.make()
    with target.open("wb") as file:
        head = {"closed": last_closed(state), "seq": state.seq, "partial": reports.partial}
        file.write(json.dumps(head).encode() + b"\n" + reports.rounds + b"\n")
        for player in state.players:
            file.write(b"\t".join((player.encode(), *reports.of(player))) + b"\n")


@define(eq=False)
class ReportFile:
    """Reports, read one by one. Their file is closed with this, or once nobody has this any more.

    ``seq``: the game's last frame at the end of the log that they were made of.
    """

    closed: Closed
    seq: int
    partial: bool
    rounds: bytes
    _descriptor: int
    _places: dict[str, tuple[int, int]]
    """By player, where their line begins, and its length."""
    close: Callable[[], object]

    @classmethod
    def of(cls, file: BinaryIO) -> ReportFile:
        """Takes over a ``file`` that was written. Blocks: reads all of it."""
        with file:
            head = json.loads(file.readline())
            rounds, places, at = file.readline(), dict[str, tuple[int, int]](), file.tell()
            for line in file:
                places[line[: line.index(b"\t")].decode()] = at, len(line)
                at += len(line)
            descriptor = os.dup(file.fileno())
        number, when = head["closed"]
        made = cls((number, when), head["seq"], head["partial"], rounds[:-1], descriptor, places, lambda: None)
        made.close = weakref.finalize(made, os.close, descriptor)
        return made

    def read(self, player: str) -> tuple[bytes, bytes] | None:
        """The two parts of a player's report; None if it has none. Blocks."""
        place = self._places.get(player)
        if place is None:
            return None
        at, length = place
        _, own, compared = os.pread(self._descriptor, length, at)[:-1].split(b"\t")
        return own, compared
