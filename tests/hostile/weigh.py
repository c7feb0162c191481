"""What each attack costs the server, one after the other: ``python -m tests.hostile.weigh [SECONDS] [NAME …]``.

A second column says what it cost the attackers. An attack that costs the server many times what it costs them is worth
a look; so is one that holds the loop, grows memory or fills the log.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import trio

from tests.hostile.attacks import AFTER, ATTACKS
from tests.hostile.crowd import Crowd
from tests.hostile.honest import Log
from tests.hostile.siege import Look, PlayersSiege, Record

HOSTILE = 12


class Weighing(PlayersSiege):
    """No honest people, and each attack by itself."""

    async def weigh(self, names: list[str], seconds: float) -> None:
        self.record = Record("weighing", self.seed, self.hostile, {}, Log())
        async with self._serving(), trio.open_nursery() as nursery:
            nursery.start_soon(self._look)
            await trio.sleep(2)
            print(f"{'server':>7} {'they':>6} {'held ms':>8} {'RSS MiB':>8} {'log B/s':>8}  attack")
            for name in names:
                self.only, self.record.log.phase = name, name
                self.record.attackers.clear()
                async with self._attackers():
                    await trio.sleep(seconds)
                looks = self.record.of(name)
                if len(looks) > 1:
                    self._tell(name, looks)
                self.record.log.phase = "between"
                await trio.sleep(1)
            nursery.cancel_scope.cancel()

    def _tell(self, name: str, looks: list[Look]) -> None:
        first, last = looks[0], looks[-1]
        took = last.at - first.at
        they = sum(each["cpu_s"] / each["seconds"] for each in self.record.attackers)
        long: Counter[str] = Counter()
        for look in looks[1:]:
            long.update(by.partition(", ")[0] for *_, by in look.long_holds)
        worst = max(looks[1:], key=lambda look: look.held_ms)
        print(
            f"{(last.cpu_s - first.cpu_s) / took:7.0%} {they:6.0%} {worst.held_ms:8.1f} {last.resident >> 20:8} "
            f"{(last.log_bytes - first.log_bytes) / took:8.0f}  {name} ({AFTER[name]}): {worst.held_by} {dict(long)} "
            f"{next((look.ready for look in looks if look.ready), '')}",
            flush=True,
        )


async def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    names = [each.__name__ for each in ATTACKS if not sys.argv[2:] or each.__name__ in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as directory:
        siege = Weighing(Path(directory), 1, hostile=HOSTILE, insiders=0, crowd=Crowd(), processes=1, share=0.5)
        await siege.weigh(names, seconds)


if __name__ == "__main__":
    trio.run(main)
