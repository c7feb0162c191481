"""A hostile client: anonymous, patient, and of no good will. It mixes all attacks at random, from a seed.

``python -m tests.hostile.hostile ORDER`` is a process full of them: see `Order`. It attacks until its standard input
ends, and then prints what it did, as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections import Counter
from random import Random
from typing import Any

import cattrs
import trio
from attrs import define, field, frozen

from tests.hostile.line import GoneError, Governor, Line, Target

ATTACK_S = 12.0
"""No attack lasts longer: then another one has its turn."""
MOST_TOKENS = 30
NICE = 10
"""Attackers have machines of their own: here they get the processor when neither the server nor honest people want it.
"""


@frozen
class Order:
    """``sources``: the address of each hostile client. ``only``: those attacks alone that have it in their names.

    ``share``: of one core, for all of them together.
    """

    port: int
    tls: bool
    seed: int
    sources: list[str]
    game: str
    goods: list[str]
    share: float
    only: str = ""


@define(eq=False)
class Hostile:
    """One of them, with what it knows: where the server is, what is traded there, and tokens it was given."""

    target: Target
    source: str
    random: Random
    game: str
    goods: list[str]
    governor: Governor
    tally: Counter[str]
    tokens: list[str] = field(factory=list)

    async def connect(self, *, receive_buffer: int = 0, plain: bool = False) -> Line:
        """A connection that has said nothing yet. Raises GoneError."""
        return await Line.open(
            self.target, self.source, self.governor, self.tally, receive_buffer=receive_buffer, plain=plain
        )

    async def socket(self, *, receive_buffer: int = 0) -> Line:
        """Past the handshake, and nobody yet. Raises GoneError."""
        line = await self.connect(receive_buffer=receive_buffer)
        try:
            await line.upgrade()
        except BaseException:
            line.close()
            raise
        return line

    async def player(self, *, anew: float = 0.3, join: bool = True, receive_buffer: int = 0) -> Line:
        """Signed in, and in the game: as somebody it was before, or, with the odds ``anew``, as somebody new.

        It reads nothing more than these answers. Raises GoneError.
        """
        line = await self.socket(receive_buffer=receive_buffer)
        try:
            if self.tokens and self.random.random() >= anew:
                reply = await line.ask("hello", token=self.random.choice(self.tokens))
            else:
                reply = await line.ask("hello", name=f"h{self.random.randrange(10**9)}")
                if "ok" in reply:
                    self.tokens.append(reply["ok"]["token"])
                    del self.tokens[:-MOST_TOKENS]
            if "ok" not in reply:
                raise GoneError(str(reply["error"]))
            if join:
                await line.ask("join", game=self.game)
        except BaseException:
            line.close()
            raise
        return line

    async def run(self, attacks: list[Any]) -> None:
        """One attack after another, until cancelled."""
        while True:
            await self.governor.pause()
            attack = self.random.choice(attacks)
            self.tally[f"attack {attack.__name__}"] += 1
            with trio.move_on_after(ATTACK_S):
                try:
                    await attack(self)
                except* GoneError:
                    self.tally["attacks cut short by the server"] += 1
                    await trio.sleep(0.05)


async def attack(order: Order) -> dict[str, Any]:
    """Attack until standard input ends; returns what was done."""
    from tests.hostile.attacks import ATTACKS

    attacks = [each for each in ATTACKS if each.__name__ == order.only] or [
        each for each in ATTACKS if order.only in each.__name__
    ]
    tally: Counter[str] = Counter()
    governor = Governor(order.share)
    begun, cpu = trio.current_time(), time.process_time()
    async with trio.open_nursery() as nursery:
        for number, source in enumerate(order.sources):
            chance = Random(f"{order.seed} {number} {source}")
            target = Target(order.port, order.tls)
            hostile = Hostile(target, source, chance, order.game, order.goods, governor, tally)
            nursery.start_soon(hostile.run, attacks)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()
    seconds = trio.current_time() - begun
    return {"seconds": seconds, "cpu_s": time.process_time() - cpu, "tally": dict(tally)}


def main() -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536) if most > 0 else 65_536, most))
    os.nice(NICE)
    gc.freeze()
    order = cattrs.structure(json.loads(sys.argv[1]), Order)
    print(json.dumps(trio.run(attack, order)), flush=True)


if __name__ == "__main__":
    main()
