"""Replay an exported log, and write its tables: row by row, so that memory does not grow with the log's length.

What is kept grows with the players, the orders that are open, and the last rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import define, field

import tradegame
from tradegame.core.domain import snapshot
from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.definition import to_json
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.core.domain.groups import group_name
from tradegame.core.domain.roster import absent
from tradegame.core.domain.state import OPEN, GameState, RosterSeat
from tradegame.core.domain.views import best
from tradegame.core.games.replay import Replay
from tradegame.core.tables.columns import Column, Row, columns, spelled
from tradegame.core.tables.rows import TABLES, ChatRow, Entry, Fact, PlayerRow, QuoteRow, RoundRow
from tradegame.core.tables.tape import Tape
from tradegame.protocol.bounds import Level
from tradegame.protocol.pushes import BookChanged, Joined, RoundChanged, Said, Unsaid

TOLD_EVERY = 500
"""Entries between two reports of progress."""
Put = Callable[[Sequence[Any]], None]


class Sink(Protocol):
    """Where tables go. Each is begun once; what ``begin`` returns takes its rows, in order."""

    def begin(self, sheet: str, header: Sequence[Column]) -> Put: ...

    def notes(self) -> Mapping[str, str]:
        """By table, what to say where not all of it found room."""
        ...


@define
class Tables:
    """The tables of the log that ``replay`` reads, on their way into ``sink``. ``rows`` counts them by table."""

    replay: Replay
    sink: Sink
    rows: dict[str, int] = field(factory=lambda: {kind.sheet: 0 for kind in TABLES}, init=False)
    _puts: dict[type[Row], Put] = field(factory=dict, init=False)
    _people: dict[str, tuple[str, int | None, bool]] = field(factory=dict, init=False)
    """By player, the name, when they joined, and whether it is a robot; also of those who were removed."""
    _looks: dict[str, str] = field(factory=dict, init=False)
    """By player, the skeleton of the name."""
    _best: dict[str, tuple[Level | None, Level | None]] = field(factory=dict, init=False)
    """By good, the bid and the ask that were told last."""
    _tape: Tape = field(init=False)

    def write(self, progress: Callable[[int], None] = lambda done: None) -> None:
        """Write all of them. ``progress`` is told how many bytes were read. Raises WrongLogError and OSError."""
        for kind in TABLES:
            if kind is not PlayerRow:  # it has a column for each round
                self._puts[kind] = self.sink.begin(kind.sheet, columns(kind))
        game = self.replay.begin(self._on_tape)
        begins_at, trades = game.state.clock, game.state.trades
        for _, applied in self.replay.entries():
            self._write(game.state, applied)
            if self.replay.applied % TOLD_EVERY == 0:
                progress(self.replay.done)
        self._finish(game.state)
        for item, value in self._facts(game, begins_at, trades):
            self._put(Fact(item, value))
        progress(self.replay.done)

    def _on_tape(self, game: Game) -> Game:
        state = game.state
        self._tape = tape = Tape(state, self._put)
        players, robots = state.players.items(), state.robots
        self._people.update({player: (fields.name, None, player in robots) for player, fields in players})
        self._people.update({player: (name, None, False) for player, name in state.removed.items()})
        self._looks.update({player: fields.skeleton for player, fields in players})
        looks = {name: look for look, names in state.roster.items() for name in names}
        self._looks.update({player: looks.get(name.partition(" (")[0], name) for player, name in state.removed.items()})
        tape.begin()
        for good, market in state.markets.items():
            self._quote(state, state.clock, good, *best(market))
        return Game(state, lambda _: tape)

    def _put(self, row: Row) -> None:
        kind = type(row)
        self.rows[kind.sheet] += 1
        self._puts[kind](row.cells())

    def _write(self, state: GameState, applied: Applied) -> None:
        at = applied.at if applied.frame is None else applied.frame.at
        for event in () if applied.frame is None else applied.frame.events:
            if isinstance(event, BookChanged):
                self._quote(state, at, event.good, event.bids, event.asks)
            elif isinstance(event, RoundChanged):
                self._tape.end_orders("round_over", at)
            elif isinstance(event, Joined):
                self._people[event.player] = event.name, at, event.robot
                if (joined := state.players.get(event.player)) is not None:
                    self._looks[event.player] = joined.skeleton
            elif isinstance(event, Said):
                self._put(ChatRow(at, "said", event.number, event.player, None, event.text))
            elif isinstance(event, Unsaid):
                self._put(ChatRow(at, "deleted", event.number, None, None, None))
        for whispered in applied.whispers:
            if whispered.player != HOUSE:  # those are hints
                self._put(ChatRow(at, "whispered", None, whispered.player, whispered.to, whispered.text))

    def _quote(self, state: GameState, at: int, good: str, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        told = bids[0] if bids else None, asks[0] if asks else None
        if told != self._best.get(good, (None, None)):
            self._best[good] = bid, ask = told
            self._put(QuoteRow(at, state.seq, state.round, good, *(bid or (None, None)), *(ask or (None, None))))

    def _finish(self, state: GameState) -> None:
        """What is known at the end of the log."""
        self._tape.end_orders("open", None)
        if state.phase == OPEN:
            begun = state.round, state.practice, state.opened_at, None, state.round_ms, len(state.dealt)
            self._put(RoundRow(*begun, None, None, None))
        header = columns(PlayerRow, [number for number, _ in self._tape.gains])
        self._puts[PlayerRow] = self.sink.begin(PlayerRow.sheet, header)
        played = self._tape.played
        ranked = [each.score for name, each in state.players.items() if played[name] or each.score]
        rank_of = {score: place for place, score in reversed(list(enumerate(sorted(ranked, reverse=True), 1)))}
        seats, nobodys = {seat.player: seat for seat in state.seating.values()}, RosterSeat("")
        for player, (name, joined_at, robot) in self._people.items():
            fields = state.players.get(player)
            gain = tuple([made.get(player) for _, made in self._tape.gains])
            total = None if fields is None or state.definition.groups else fields.score
            rank = rank_of[total] if total is not None and (played[player] or total) else None
            role = None if fields is None else fields.role
            shown, seat = name if fields is None else fields.name, seats.get(player, nobodys)
            group = group_name(state, player) or seat.group
            told = player, seat.label or None, shown, group or None, seat.team or None
            head = *told, role, robot, fields is None, joined_at
            self._put(PlayerRow(*head, played[player], gain, total, rank))
        nothing = (None,) * len(self._tape.gains)
        for seat in absent(state, self._looks.values()):
            expected = None, seat.label or None, seat.name or None, seat.group or None, seat.team or None
            self._put(PlayerRow(*expected, None, False, False, None, 0, nothing, None, None))
        for kind in TABLES:
            self._put(Entry(kind.sheet, None, None, None, kind.about))
            for column in header if kind is PlayerRow else columns(kind):
                self._put(Entry(kind.sheet, column.name, column.kind.value, column.unit or None, column.meaning))

    def _facts(self, game: Game, begins_at: int, trades: int) -> Iterator[tuple[str, str | None]]:
        state, head = game.state, self.replay.head
        yield "game", state.definition.id
        yield "title", state.definition.title or None
        yield "epoch", state.epoch
        yield "rules", str(head["rules"])
        yield "begins_at", spelled(begins_at)
        yield "ends_at", spelled(state.clock)
        yield "whole", "false" if head["state"] else "true"
        yield "entries", str(self.replay.applied)
        yield "trades", str(state.trades - trades)
        yield "seq", str(state.seq)
        yield "state", snapshot.state_hash(game)
        yield "made_by", f"tradegame {tradegame.__version__}"
        for sheet, note in self.sink.notes().items():
            yield f"rest_of.{sheet}", note
        yield from _flat("definition", to_json(state.definition))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str | None]]:
    """A definition's settings, each by its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}", inner)
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _flat(f"{path}[{place}]", inner)
    else:
        yield path, None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
