"""What one entry may cost: commands, bytes, events and time, whatever was submitted."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable

from tradegame.controller.websocket.codec import encode_frame
from tradegame.core.domain.definition import GameDefinition, GoodDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.weight import weight
from tradegame.core.games.settings import ENTRY
from tradegame.core.games.submissions import InFlight, Submissions
from tradegame.protocol.commands import Command, Join, SetPhase, encode_entry
from tradegame.protocol.requests import BuyGood, CancelAll, PlaceOrder, Say

AT = 1_790_000_000_000
PLAYERS = [f"p-{number:012d}" for number in range(200)]
FRAME_BYTES = 128 << 10
LONG_S = 0.05
"""Ten times what is promised: this machine may be slow."""


def play(game: Game, commands: Iterable[Command]) -> int:
    """Submit all of it at once, and look at each entry that comes of it. How many those were."""
    submissions = Submissions(60.0, 1_000_000, 1 << 30, ENTRY)
    for command in commands:
        submissions.add(command)
    entries = 0
    while len(submissions):
        sent = InFlight.of(AT, submissions.take(lambda command: weight(game.state, command)))
        gc.disable()
        begun = time.process_time()
        applied = game.apply_value(sent.value, sent.entry)
        wire = b"" if applied.frame is None else encode_frame(game.state.definition.id, "e", applied.frame)
        took_s = time.process_time() - begun
        gc.enable()
        assert len(sent.entry.commands) <= ENTRY.commands
        assert len(sent.value) == len(encode_entry(sent.entry)) <= ENTRY.bytes
        assert len(wire) <= FRAME_BYTES
        assert took_s < LONG_S
        entries += 1
    return entries


async def test_no_entry_costs_more_than_its_bounds_whatever_waits() -> None:
    definition = GameDefinition(id="bazaar", cash=10**9, goods={"grain": GoodDefinition(endowment=10_000)})
    game = Game.create(definition, "epoch", AT, 7)
    play(game, [Join(player=player, name="n" * 32) for player in PLAYERS])
    play(game, [SetPhase(phase="open")])
    for price in range(1_000, 1_050):
        play(game, [PlaceOrder(player=player, good="grain", side="ask", qty=1, price=price) for player in PLAYERS])
    # 10 000 asks of one unit, and a crowd of which each takes a hundred of them
    heavy = [BuyGood(player=player, good="grain", qty=100) for player in PLAYERS[:90]]
    assert play(game, heavy) > len(heavy) * 100 // ENTRY.weight
    for price in range(1, 51):
        play(game, [PlaceOrder(player=player, good="grain", side="bid", qty=1, price=price) for player in PLAYERS])
    assert play(game, [CancelAll(player=player) for player in PLAYERS]) > len(PLAYERS) * 50 // 8 // ENTRY.weight
    assert not any(account.orders for account in game.state.accounts.values())
    assert play(game, [Say(player=player, text="\N{SLIGHTLY SMILING FACE}" * 500) for player in PLAYERS]) > 6
    assert play(game, [Say(player=player, text="x") for player in PLAYERS] * 10) > 7
