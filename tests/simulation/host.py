"""The host: takes accounts out of the game and lets them in again, or deletes the game and makes it anew.

Each call has a key and is given until an answer says what became of it, at whichever node. Copies of it come late.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import trio

from tests.guarantees.history import Answered, Command, History, Sent
from tests.simulation.runtime import NODE
from tradegame.core.faults import answer_to
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.errors import GameThereError, TradeGameError
from tradegame.protocol.ops import HOST

if TYPE_CHECKING:
    from tests.simulation.node import Process
    from tests.simulation.world import World

GIVEN_UP_S = 15.0
LATE_S = 12.0
TAKES_IN = 0.15
REMAKES = 0.12
"""In so many worlds the host takes accounts out and in, or makes the game anew."""

Call = Callable[[AdministerUseCase, str], Awaitable[Any]]
"""What is asked of a node, with a key."""


class Host:
    """``deleted``: how often a game was to be deleted. ``done``: all that it meant to do is done."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = random.Random(f"{world.seed}/hosting")
        drawn = self.chance.random()
        self.takes_out = drawn < TAKES_IN
        self.remakes = TAKES_IN <= drawn < TAKES_IN + REMAKES
        self.done = not self.acts
        self.deleted = 0
        self.history = History("host", player=HOST, left=True)

    @property
    def acts(self) -> bool:
        return self.takes_out or self.remakes

    async def run(self) -> None:
        """Until all is done, and its copies have come."""
        async with trio.open_nursery() as late:
            for _ in range(self.chance.choice((1, 1, 2))):
                await trio.sleep(self.chance.uniform(3, 9))
                await (self._take_out(late) if self.takes_out else self._remake(late))
            self.done = True

    async def _take_out(self, late: trio.Nursery) -> None:
        client = self.chance.choice(self.world.clients)
        while client.player is None:  # noqa: ASYNC110 - a look from outside
            await trio.sleep(1)
        await self._command(late, "remove", client.player)
        await trio.sleep(self.chance.uniform(0, 4))
        await self._command(late, "readmit", client.player)

    async def _command(self, late: trio.Nursery, op: str, account: str) -> None:
        number = len(self.history.commands)
        command = Command(f"host-{number}", {"op": op, "account": account})
        self.history.commands.append(command)

        async def give(administer: AdministerUseCase, key: str) -> dict[str, Any]:
            outcome = await getattr(administer, op)(self.world.definition.id, account, key)
            return {"seq": outcome.result.seq, **({"replayed": True} if outcome.replayed else {})}

        def told(answer: Any) -> bool:
            ok = not isinstance(answer, TradeGameError)
            body = answer if ok else {"code": answer.code, "message": answer.message, "definite": answer.definite}
            answered = Answered(number, number, ok, body, trio.current_time())
            self.history.events.append(answered)
            return answered.settles

        sent = partial(self.history.events.append, Sent(number, number, trio.current_time()))
        await self._until_answered(late, command.name, f"{op} {account}", give, told, sent)

    async def _remake(self, late: trio.Nursery) -> None:
        """A node that starts meanwhile makes the game, too: it is in its configuration."""
        game, number = self.world.definition, self.deleted
        self.deleted += 1

        async def delete(administer: AdministerUseCase, key: str) -> None:
            await administer.delete(game.id, key)

        async def make(administer: AdministerUseCase, key: str) -> None:
            await administer.create(game, key)

        def known(answer: Any) -> bool:
            return not isinstance(answer, TradeGameError) or isinstance(answer, GameThereError)

        await self._until_answered(late, f"delete-{number}", "delete the game", delete, known)
        await trio.sleep(self.chance.uniform(0, 3))
        await self._until_answered(late, f"make-{number}", "make the game anew", make, known)

    async def _until_answered(
        self,
        late: trio.Nursery,
        key: str,
        what: str,
        call: Call,
        told: Callable[[Any], bool],
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        """``told`` of an answer: whether it says what became of the call."""

        async def once() -> bool:
            listening = [process for process in self.world.processes() if process.listening]
            if not listening:
                return False
            sent()
            process = self.chance.choice(listening)
            self._tell(f"→ {process.name} {what}")
            answer = await self._ask(process, partial(call, key=key))
            self._tell(f"← {process.name} {what}: {answer!r}")
            return answer is not None and told(answer[0])

        async def late_copy(after_s: float) -> None:
            await trio.sleep(after_s)
            await once()

        while not await once():  # noqa: ASYNC110 - the pause before the next try
            await trio.sleep(self.chance.uniform(0.3, 1))
        # The node says `since`: what the game has forgotten by then would be done again.
        if not self.world.few_keys and self.chance.random() < 0.7:
            late.start_soon(late_copy, self.chance.uniform(0, LATE_S))

    async def _ask(self, process: Process, call: Callable[[AdministerUseCase], Awaitable[Any]]) -> tuple[Any] | None:
        """What the node answers, or the error; None: it died, or took too long."""
        answers: list[Any] = []
        with trio.move_on_after(GIVEN_UP_S):
            async with trio.open_nursery() as nursery:

                async def asked() -> None:
                    NODE.set(process.name)
                    assert process.node is not None
                    games = process.node.games
                    try:
                        answers.append(await call(AdministerUseCase(games, SubmitUseCase(games), cast("Any", None))))
                    except Exception as fault:  # noqa: BLE001 - as the edge of a node does it
                        answers.append(answer_to(fault, "host_call_failed"))
                    nursery.cancel_scope.cancel()

                nursery.start_soon(asked)
                await process.ended.wait()
                nursery.cancel_scope.cancel()
        return (answers[0],) if answers and process.alive else None

    def _tell(self, what: str) -> None:
        self.world.story.tell("host", what)
