"""Shows a crowd of bots: two tables on a terminal, or one line in a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tradegame.bots.base import Bot
from tradegame.client.game import Game

CHROME = 12
"""Lines taken by the frames of the two tables and the caption."""


class Seated(Protocol):
    """What is shown of one bot."""

    name: str
    bot: Bot
    note: str
    over: bool
    game: Game | None

    @property
    def playing(self) -> bool: ...

    def answers(self) -> int: ...

    def failovers(self) -> int: ...


class Monitor:
    """Reads the seats; changes nothing."""

    def __init__(self, seats: Sequence[Seated], url: str, game: str) -> None:
        self._seats = seats
        self._url = url
        self._game = game
        self._measured: tuple[float, int] | None = None
        self._rate = 0.0
        self._told = ""

    def trouble(self) -> str:
        """Why nobody plays, in a sentence; empty if somebody does."""
        if any(seat.playing for seat in self._seats):
            return ""
        reason = next((seat.note for seat in self._seats if seat.note), "")
        if not reason:
            return ""
        end = "nobody is left" if all(seat.over for seat in self._seats) else "trying again"
        return f"{self._url}: {reason}; {end}"

    def new_trouble(self) -> str:
        """The trouble, if it has changed; or that it is over."""
        trouble = self.trouble()
        if trouble == self._told:
            return ""
        self._told = trouble
        return trouble or f"{self._url}: connected"

    def line(self) -> str:
        """The current state in one line."""
        playing = sum(seat.playing for seat in self._seats)
        parts = [
            f"{self._game}: {playing} of {len(self._seats)} bots playing",
            f"{self._commands_per_s():.1f} commands/s",
        ]
        parts.append(f"{_fills(self._seats)} fills")
        if failovers := sum(seat.failovers() for seat in self._seats):
            parts.append(f"{failovers} failovers")
        game = self._any_game()
        if game is not None:
            parts += [
                f"{name} {good.last if good.last is not None else '–'}"
                for name, good in sorted(game.state.goods.items())
            ]
        return " · ".join(parts)

    def farewell(self) -> str:
        """The totals in one line."""
        tallies = [seat.bot.tally for seat in self._seats]
        return (
            f"{self._game}: {len(tallies)} bots are done, after {sum(tally.commands for tally in tallies)} commands "
            f"({sum(tally.refused for tally in tallies)} refused) and {_fills(self._seats)} fills"
        )

    def render(self, height: int) -> RenderableType:
        """The tables, for a terminal with so many lines."""
        game = self._any_game()
        market = self._market(game)
        room = max(3, height - CHROME - market.row_count)
        trouble = self.trouble()
        caption = Text(trouble, "bold red") if trouble else Text(f"{self._commands_per_s():.1f} commands/s", "bold")
        return Group(market, self._bots(room), caption)

    def _market(self, game: Game | None) -> Table:
        title = self._game if game is None else f"{self._game}: {game.state.phase}, round {game.state.round}"
        table = Table(title=title, title_justify="left", expand=False)
        table.add_column("good")
        for heading in ("last", "bid", "ask", "volume"):
            table.add_column(heading, justify="right")
        if game is not None:
            for name, good in sorted(game.state.goods.items()):
                table.add_row(name, *map(_number, (good.last, good.best_bid, good.best_ask, good.volume)))
        return table

    def _bots(self, room: int) -> Table:
        table = Table(expand=False)
        table.add_column("bot")
        table.add_column("kind")
        for heading in ("cash", "goods", "worth", "trades"):
            table.add_column(heading, justify="right")
        table.add_column("last action", no_wrap=True)
        shown = self._seats if len(self._seats) <= room else self._seats[: room - 1]
        for seat in shown:
            me = seat.game.me if seat.game is not None else None
            numbers: tuple[int | None, ...] = (None, None, None)
            if me is not None:
                goods = sum(me.goods.values()) + sum(me.held_goods.values())
                numbers = (me.cash + me.held_cash, goods, me.worth)
            last = seat.bot.tally.last if seat.playing else seat.note or "connecting"
            table.add_row(seat.name, seat.bot.kind, *map(_number, numbers), _number(seat.bot.tally.trades), Text(last))
        if len(shown) < len(self._seats):
            table.add_row(f"and {len(self._seats) - len(shown)} more")
        return table

    def _any_game(self) -> Game | None:
        playing = [seat.game for seat in self._seats if seat.game is not None and seat.playing]
        known = playing or [seat.game for seat in self._seats if seat.game is not None]
        return known[0] if known else None

    def _commands_per_s(self) -> float:
        """Answers a second since the last call, at least a quarter of a second ago."""
        now, answers = trio.current_time(), sum(seat.answers() for seat in self._seats)
        if self._measured is None:
            self._measured = (now, answers)
        elif now - self._measured[0] >= 0.25:
            self._rate = (answers - self._measured[1]) / (now - self._measured[0])
            self._measured = (now, answers)
        return self._rate


def _fills(seats: Sequence[Seated]) -> int:
    """Each bot's trades: one between two bots is a fill for both."""
    return sum(seat.bot.tally.trades for seat in seats)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
