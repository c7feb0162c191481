"""The same garbage for longer: those who hold on to what they opened, and rounds of everything at once, weighed."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.robustness import garbage_frames, garbage_http, garbage_requests
from tests.robustness.test_garbage import KINDS
from tests.robustness.victim import Bystander, Victim, until
from tests.support.raw import Raw, ask, upgrade

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

SEED = random.SystemRandom().randrange(2**32)
WARM_UP, ROUNDS, AT_ONCE = 3, 5, 4
GROWTH = 8 << 20


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    _allow_descriptors(4_000)
    with Victim(tmp_path) as server:
        yield server
        server.assert_healthy()
        server.assert_log_verifies(tmp_path)


@contextmanager
def attending(victim: Victim) -> Iterator[Bystander]:
    """Somebody plays; at the end, nobody else may be left, nor anything of theirs."""
    with Bystander(victim.url) as player:
        player.assert_served(10)
        before = victim.descriptors()
        yield player
        player.assert_served(10)
        until(lambda: victim.metric("tradegame_connections") == 1, lambda: "connections stay behind")
        until(
            lambda: len(victim.descriptors()) <= len(before),
            lambda: f"descriptors stay behind: {before} became {victim.descriptors()}",
        )
        victim.assert_healthy()
        print(player.summary())


def test_whoever_holds_on_is_let_go(victim: Victim) -> None:
    """Nobody here ever closes anything. The server must, each in its time, while a player plays on."""
    with attending(victim) as player, ExitStack() as stack:

        def opened(count: int, sent: bytes, *, upgraded: bool = False) -> list[Raw]:
            found = [Raw.upgraded(victim.port) if upgraded else Raw(victim.port) for _ in range(count)]
            for connection in found:
                stack.callback(connection.close)
                connection.send(sent)
            return found

        half_open = opened(500, b"") + opened(500, upgrade()[:50])
        slow_heads = opened(50, b"GET / HTTP/1.1\r\n")
        slow_bodies = opened(50, f"{garbage_http.POST}Content-Length: 50{garbage_http.END}{{".encode())
        idle = opened(50, f"{garbage_http.GET}{garbage_http.END[2:]}".encode())
        silent = opened(100, b"", upgraded=True)
        player.assert_served(10)
        assert len(victim.descriptors()) > 1_200
        begun = time.monotonic()
        while time.monotonic() - begun < 11:
            for slow in (*slow_heads, *slow_bodies):
                slow.send(b"a")
            player.assert_served(1)
            time.sleep(1)
        answers = [connection.until_closed(10) for connection in (*half_open, *slow_heads)]
        assert {garbage_http.statuses(answer)[0] for answer in answers} == {408}
        assert {garbage_http.statuses(slow.until_closed(10))[0] for slow in slow_bodies} == {408}
        assert {connection.end()[0] for connection in silent} == {4004}
        for connection in idle:
            connection.until_closed(20)


def test_a_crowd_that_never_reads_is_closed_and_costs_no_more_than_its_outboxes(victim: Victim) -> None:
    crowd = 60
    with attending(victim) as player, ExitStack() as stack:
        deaf = [Raw.upgraded(victim.port, receive_buffer=4_096) for _ in range(crowd)]
        before = victim.resident()
        for connection in deaf:
            stack.callback(connection.close)
            connection.send(ask("hello", name="deaf") + ask("join", game="bazaar", spectate=True))
        loud = stack.enter_context(Raw.upgraded(victim.port))
        loud.send(ask("hello", name="loud") + ask("join", id=1, game="bazaar"))
        most = 0
        for _ in range(20):
            loud.send(b"".join(ask("say", id=1, game="bazaar", text="\U0001f600" * 500) for _ in range(20)))
            for _ in range(20):
                loud.reply()
            most = max(most, victim.resident())
        player.assert_served(10)
        # Its frames are everybody's: they are kept once, however many wait for them.
        assert most - before < 24 << 20, f"{most - before} bytes for {crowd} that do not read"
        # Who takes nothing may have half a frame: it is closed all the same, and may not be told why.
        closed = f'tradegame_connections_closed_total{{code="4001"}} {float(crowd)}'
        until(lambda: closed in victim.get("/metrics").decode(), lambda: "some stay open")
        for connection in deaf:
            connection.until_closed()


def test_memory_stays_flat_over_rounds_of_everything(victim: Victim) -> None:
    print("seed", SEED)
    chance = random.Random(SEED)
    weights = []
    with attending(victim) as player:
        _fill_what_is_bounded(victim)
        for _ in range(WARM_UP + ROUNDS):
            before = len(victim.descriptors())
            _round(victim, chance)
            player.assert_served(5)
            until(lambda: victim.metric("tradegame_connections") == 1, lambda: "connections stay behind")
            until(partial(_no_more_than, victim, before), lambda: "descriptors stay behind")
            weights.append(victim.resident())
        print("MiB after each round:", [round(weight / 2**20, 1) for weight in weights])
        assert min(weights[-2:]) - weights[WARM_UP - 1] < GROWTH, weights


def _round(victim: Victim, chance: random.Random) -> None:
    """Every kind once, in a random order, several at a time."""
    kinds = [(kind, chance.randrange(2**32)) for kind in chance.sample(KINDS, len(KINDS))]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for thrown in [threads.submit(kind, victim.port, random.Random(seed)) for kind, seed in kinds]:
            thrown.result()
    garbage_frames.comings_and_goings(victim.port, chance, 500)
    garbage_requests.joins_and_leaves(victim.port, chance, 1_000)


def _no_more_than(victim: Victim, descriptors: int) -> bool:
    return len(victim.descriptors()) <= descriptors


def _fill_what_is_bounded(victim: Victim) -> None:
    """The frames and events that a server keeps for those who lag: so many, and then no more."""
    with Raw.upgraded(victim.port) as filler:
        filler.send(ask("hello", name="filler") + ask("join", id=0, game="bazaar"))
        for number in range(2_500):
            filler.send(ask(("buy", "sell")[number % 2], id=1, game="bazaar", good="grain", qty=1))
            filler.reply()


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
