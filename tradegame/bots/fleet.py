"""Many bots at once, each with its own connection, in one nursery."""

from __future__ import annotations

import math
import os
import random
import secrets
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import trio
from attrs import define, field
from rich.console import Console
from rich.live import Live

from tradegame.bots.base import Bot
from tradegame.bots.kinds import KINDS, USUAL, suiting
from tradegame.bots.monitor import Monitor
from tradegame.client.backoff import Backoff
from tradegame.client.connect import Client, connect
from tradegame.client.errors import ConnectionStopped, ProtocolError, TradeError
from tradegame.client.game import Game
from tradegame.client.link import Status
from tradegame.client.socket import check_url
from tradegame.protocol.pushes import Fills

REFRESH_S = 0.5
LINE_EVERY_S = 5.0
STAGGER_S = 0.01


@define(eq=False)
class Seat:
    """A bot and its connection, if it has one. ``note``: why it does not play right now. ``over``: it never will again.

    ``suit``: makes a bot of the kind that the game needs; None: this kind or none. So a name contains the kind only if
    the kind is certain before the game is known.
    """

    name: str
    bot: Bot
    suit: Callable[[type[Bot]], Bot] | None = None
    client: Client | None = None
    game: Game | None = None
    note: str = ""
    answered: int = 0
    moved: int = 0
    over: bool = False
    token: str | None = field(default=None, repr=False)

    @property
    def playing(self) -> bool:
        return self.client is not None and self.client.status.kind == "connected" and self.game is not None

    def answers(self) -> int:
        """Commands answered, over all the connections it has had."""
        return self.answered + (self.client.statistics().answered if self.client is not None else 0)

    def failovers(self) -> int:
        """How often it continued at another node."""
        return self.moved + (self.client.statistics().failovers if self.client is not None else 0)


async def run_bots(
    url: str | Sequence[str],
    game: str,
    count: int,
    kinds: Sequence[str] | None = None,
    *,
    live: bool = True,
    seed: int | None = None,
    pace: float = 1.0,
    console: Console | None = None,
    keep: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Let ``count`` bots play ``game`` until cancelled, of these ``kinds`` in turn (None: what suits the game).

    ``url``: of the server, or of several of its nodes, over which the bots spread; when a node dies, its bots continue
    at another. With ``live`` on a terminal it shows tables that are kept current; otherwise a line every five seconds.
    ``seed`` makes the bots' choices repeatable; ``pace`` is the mean time in seconds between a bot's decisions.
    ``keep``: a file for their tokens, so that the same players continue next time. ``say`` takes the lines instead of
    the console.

    If the server or the game is missing, or goes away, that is said once and retried with back-off. A bot that was
    kicked stays out; when all are out, it returns. A kind may be abbreviated (``zero``). Raises ValueError for an
    unknown kind, a ``count`` under 1 or an invalid URL, and OSError for a file that cannot be read or written.
    """
    urls = [check_url(each) for each in ([url] if isinstance(url, str) else url)]
    names = [_kind(name) for name in kinds or USUAL]
    if count < 1:
        raise ValueError("count must be at least 1")
    if not urls:
        raise ValueError("there must be a URL")
    seed = secrets.randbits(32) if seed is None else seed
    console = console or Console()
    say = say or partial(console.print, highlight=False, soft_wrap=True)
    seats = [
        Seat(
            f"{names[number % len(names)] if kinds else 'bot'}-{number + 1}"[:32],
            KINDS[names[number % len(names)]](f"{seed}/{number}", pace),
            None if kinds else partial(_make, f"{seed}/{number}", pace),
        )
        for number in range(count)
    ]
    known = _tokens(keep)
    for seat in seats:
        seat.token = known.get(seat.name)
    monitor = Monitor(seats, ", ".join(urls), game)
    async with trio.open_nursery() as nursery:
        if threading.current_thread() is threading.main_thread():
            await nursery.start(_end_on_signal, nursery.cancel_scope)
        nursery.start_soon(_show, monitor, console, live and console.is_terminal, say)
        async with trio.open_nursery() as playing:
            for number, seat in enumerate(seats):
                first = number % len(urls)
                mine = [*urls[first:], *urls[:first]]
                playing.start_soon(_keep_playing, seat, mine, game, random.Random(f"{seed}/{number}/backoff"), keep)
                await trio.sleep(STAGGER_S)
        nursery.cancel_scope.cancel()
    say(monitor.farewell())


def _kind(name: str) -> str:
    found = [kind for kind in KINDS if kind.startswith(name.replace("-", "_"))]
    if len(found) != 1 or not name:
        raise ValueError(f"unknown kind of bot: {name}; there are {', '.join(KINDS)}")
    return found[0]


async def _end_on_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


async def _show(monitor: Monitor, console: Console, live: bool, say: Callable[[str], None]) -> None:
    if live:
        # Refreshed here and not from rich's own thread: one task, no locks.
        with Live(monitor.render(console.height), console=console, auto_refresh=False) as display:
            while True:
                await trio.sleep(REFRESH_S)
                display.update(monitor.render(console.height), refresh=True)
    next_line = trio.current_time() + LINE_EVERY_S
    while True:
        await trio.sleep(REFRESH_S)
        trouble = monitor.new_trouble()
        if trouble:
            say(trouble)
        if trio.current_time() >= next_line:
            next_line += LINE_EVERY_S
            say(monitor.line())


def _tokens(file: Path | None) -> dict[str, str]:
    """Tokens by bot, from a file of lines ``NAME TOKEN``; a later line replaces an earlier one."""
    if file is None or not file.exists():
        return {}
    lines = (line.split() for line in file.read_text(errors="replace").splitlines())
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _note_token(file: Path, name: str, token: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a") as opened:
        opened.write(f"{name} {token}\n")


async def _keep_playing(
    seat: Seat, urls: Sequence[str], game: str, chance: random.Random, keep: Path | None = None
) -> None:
    """Connect, join, play; reconnect when that ends, unless it is over for good."""
    backoff = Backoff(chance, base_s=1.0)

    def note(status: Status) -> None:
        seat.note = status.reason

    while True:
        began = trio.current_time()
        try:
            async with connect(
                *urls,
                name=None if seat.token else seat.name,
                token=seat.token,
                connect_deadline=math.inf,
                on_status=note,
                seed=chance.getrandbits(32),
                robot=keep is None,
            ) as client:
                if keep is not None and client.token and client.token != seat.token:
                    _note_token(keep, seat.name, client.token)
                seat.client, seat.token = client, client.token
                seat.game = await client.join(game, cancel_on_disconnect=True)
                if seat.game.me is not None and seat.game.me.group is not None:  # it was the entrance of several
                    seat.game = await client.join(seat.game.me.group, cancel_on_disconnect=True)
                _suit(seat, seat.game)
                await _play(seat, seat.game)
        except ConnectionStopped as stopped:
            seat.note, seat.over = str(stopped), True
            return
        except TradeError as error:  # the game or the session no longer exists
            seat.note = str(error)
            if error.code == "unauthorized":
                seat.token = None
        except (ProtocolError, trio.ClosedResourceError) as error:
            seat.note = str(error)
        finally:
            if seat.client is not None:
                seat.answered, seat.moved = seat.answers(), seat.failovers()
            seat.client = None
        if trio.current_time() - began > 30:
            backoff.reset()
        await trio.sleep(backoff.next())


def _make(seed: str, pace: float, kind: type[Bot]) -> Bot:
    return kind(seed, pace)


def _suit(seat: Seat, game: Game) -> None:
    """Replace a bot that would lose money by its private values, or ignore its hints, by one that suits."""
    wanted = suiting(game)
    if seat.suit is not None and wanted is not None and not isinstance(seat.bot, wanted):
        tally, seat.bot = seat.bot.tally, seat.suit(wanted)
        seat.bot.tally = tally


async def _play(seat: Seat, game: Game) -> None:
    """Play, and count trades beside. Raises unchanged what ends the game: the watcher only counts, and ends with the
    bot.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_count_trades, seat, game)
        ended: Exception | None = None
        try:
            await seat.bot.run(game)
        except (TradeError, ConnectionStopped, trio.ClosedResourceError) as error:
            ended = error
        nursery.cancel_scope.cancel()
    if ended is not None:
        try:
            raise ended
        finally:
            del ended


async def _count_trades(seat: Seat, game: Game) -> None:
    try:
        async for event in game.events(buffer=10_000):
            if isinstance(event, Fills):
                seat.bot.tally.trades += len(event.fills)
    except (TradeError, ConnectionStopped):
        return  # the bot gets it too
