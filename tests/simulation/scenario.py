"""One seed, from its beginning to the verdict."""

from __future__ import annotations

import trio
from attrs import frozen

from tests.guarantees.history import FrameSeen
from tests.simulation import checks, runtime
from tests.simulation.faults import UNTIL_S, Faults
from tests.simulation.runtime import Freezer
from tests.simulation.story import Story
from tests.simulation.world import World

MENDED_S = UNTIL_S + 3
SETTLE_S = 60.0
"""After everything is mended, all must be well within this time."""
LOOK_S = 0.25
WRONG_S = 4.0
"""How long a clock stays wrong after it must have been noticed."""


@frozen
class Verdict:
    """``violations``: each begins with the name of its check. ``digest`` stands for the whole story."""

    seed: int
    violations: tuple[str, ...]
    digest: str
    lines: tuple[str, ...]
    commands: int
    frames: int
    entries: int
    generations: int
    faults: dict[str, int]
    settled_s: float

    @property
    def names(self) -> tuple[str, ...]:
        """The checks that spoke up."""
        return tuple(dict.fromkeys(violation.split(":", 1)[0] for violation in self.violations))


def simulate(seed: int) -> Verdict:
    """Run one seed. Never raises for what the system under test does."""
    verdicts: list[Verdict] = []

    async def main(freezer: Freezer) -> None:
        verdicts.append(await _play(seed, freezer))

    runtime.run(seed, main)
    return verdicts[0]


async def _play(seed: int, freezer: Freezer) -> Verdict:
    story = Story()
    world = World(seed, freezer, story)
    faults = Faults(world)
    found: list[str] = []
    settled_s = 0.0
    with world.listening():
        try:
            async with trio.open_nursery() as background:

                def stand_still() -> None:
                    found.append("no_standstill: tasks run on and on and no time passes")
                    background.cancel_scope.cancel()

                freezer.on_standstill = stand_still
                faults.plan()
                await world.run(background)
                await trio.sleep_until(MENDED_S)
                world.mended_at = trio.current_time()
                faults.mend()
                if faults.clock_is_wrong:
                    await trio.sleep(checks.CLOCK_NOTICED_S + WRONG_S)
                    faults.set_clocks_right()
                settling_from = trio.current_time()
                with trio.move_on_after(SETTLE_S) as bound:
                    while not checks.is_settled(world):  # noqa: ASYNC110 - a look from outside, that nobody tells
                        await trio.sleep(LOOK_S)
                settled_s = trio.current_time() - settling_from
                if bound.cancelled_caught:
                    found += checks.unsettled(world)
                found += checks.violations(world)
                background.cancel_scope.cancel()
                for process in world.processes():
                    process.kill()
        except* Exception as faulted:  # noqa: BLE001 - whatever it is, it is this seed's violation, with its story
            found += [f"no_crash: {each!r}" for each in _flat(faulted)]
    for violation in found:
        story.tell("check", violation)
    story.tell("check", f"{len(found)} violations" if found else "all is well")
    sent = sum(len(client.commands) for client in world.clients)
    frames = sum(len(client.history.of(FrameSeen)) for client in world.clients)
    return Verdict(
        seed,
        tuple(found),
        story.digest(),
        tuple(story.lines),
        sent,
        frames,
        len(world.entries),
        sum(life.metas[-1].generation for life in world.lives),
        faults.injected,
        settled_s,
    )


def _flat(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    found: list[BaseException] = []
    for each in group.exceptions:
        found += _flat(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
