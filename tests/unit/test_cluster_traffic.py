"""The witnesses of ``tradegame cluster`` against a real server: a sound one, and ones that are broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from tests.support.server import ServerThread
from tradegame.cluster.log import Log
from tradegame.cluster.witness.traffic import Traffic
from tradegame.core.domain.account import Account
from tradegame.core.domain.chat import ChatService
from tradegame.core.domain.game import Game
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.replies import Ordered
from tradegame.protocol.requests import Say

DEADLINE_S = 60.0


def play(until: Callable[[Traffic], bool]) -> Traffic:
    """Let six witnesses trade until ``until``, and end it in order."""

    async def main() -> Traffic:
        traffic = Traffic(6, 70.0, Log())
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(traffic.run, [server.url], "bazaar")
                await traffic.until_all_play()
                while not until(traffic):  # noqa: ASYNC110 - what is waited for is a sum of many things
                    await trio.sleep(0.05)
                await traffic.finish(15.0, patient=True)
                nursery.cancel_scope.cancel()
        return traffic

    with ServerThread("memory:") as server:
        return trio.run(main)


def test_nothing_is_lost_or_doubled_by_a_sound_server() -> None:
    traffic = play(lambda traffic: traffic.acknowledged >= 100 and traffic.tape.compared >= 60)
    assert (traffic.ledger.lost, traffic.ledger.doubled) == (0, 0), list(traffic.ledger.findings)
    assert traffic.checked > 50
    assert traffic.ledger.unchecked == 0


def forget_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is remembered: what is sent again happens again."""
    outcome = Game._outcome

    def forgetful(game: Game, command: Any, effects: Any) -> Any:
        player = game.state.players.get(command.player)
        if player is not None:
            player.keys.clear()
        return outcome(game, command, effects)

    monkeypatch.setattr(Game, "_outcome", forgetful)


def swallow_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fifth message is acknowledged and never said."""
    say, count = ChatService.say, 0

    def forgetful(service: ChatService, command: Say, effects: Any) -> Any:
        nonlocal count
        count += 1
        before = len(effects.events)
        result = say(service, command, effects)
        if count % 5 == 0:
            del effects.events[before:]
        return result

    monkeypatch.setattr(ChatService, "say", forgetful)


def misreport_trades(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buyer is told of a unit more than was bought."""
    buy = TradingService.buy

    def generous(service: TradingService, command: Any, effects: Any) -> Any:
        result = buy(service, command, effects)
        result.filled += 1
        return result

    monkeypatch.setattr(TradingService, "buy", generous)


def drop_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rests is taken out of the book at once, and nobody is told."""
    order = TradingService.order

    def careless(service: TradingService, command: Any, effects: Any) -> Ordered:
        placed = order(service, command, effects)
        account: Account = service.state.accounts[command.player]
        if placed.resting and command.player != "house":
            service.withdraw(account.orders[int(placed.order[1:])], effects, "cancelled")
        return placed

    monkeypatch.setattr(TradingService, "order", careless)


@pytest.mark.parametrize(
    ("plant", "kind"),
    [(forget_keys, "doubled"), (swallow_messages, "lost"), (misreport_trades, "lost"), (drop_orders, "lost")],
)
def test_a_planted_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], kind: str
) -> None:
    plant(monkeypatch)
    monkeypatch.setattr("tradegame.cluster.witness.witness.AUDIT_EVERY_S", 0.3)
    # A fault may show in another way first: a buy that happens again may find nothing left.
    traffic = play(lambda traffic: getattr(traffic.ledger, kind) > 0)
    assert any(finding.startswith(f"{kind}:") for finding in traffic.ledger.findings)
