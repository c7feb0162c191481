"""Garbage of every kind, thrown at a server on which somebody plays: they must not notice, and nothing may be left.

Here each kind comes once, in small; ``test_garbage_long`` throws them all, again and again, and weighs the server.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator

import pytest

from tests.robustness import garbage_frames, garbage_host, garbage_http, garbage_requests
from tests.robustness.garbage_frames import Kind
from tests.robustness.victim import Bystander, Victim, until
from tests.support.raw import Raw, ask

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

KINDS = garbage_frames.KINDS + garbage_requests.KINDS + garbage_http.KINDS + garbage_host.KINDS
DEAR = (garbage_requests.malformed_requests_at_random, garbage_requests.joins_and_leaves, garbage_host.wrong_tokens)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    directory = tmp_path_factory.mktemp("garbage")
    with Victim(directory) as server:
        yield server
        server.assert_healthy()
        server.assert_log_verifies(directory)


@pytest.fixture(scope="module")
def bystander(victim: Victim) -> Iterator[Bystander]:
    with Bystander(victim.url) as player:
        player.assert_served(10)
        yield player
    print(player.summary())


def test_every_field_of_every_op_with_every_wrong_value_is_refused_where_it_is(
    victim: Victim, bystander: Bystander
) -> None:
    garbage_requests.ask_malformed(victim.port, list(garbage_requests.malformed_requests()))
    bystander.assert_served(3)
    victim.assert_healthy()


def test_whoever_heeds_no_limit_is_read_slowly(victim: Victim, bystander: Bystander) -> None:
    with Raw.upgraded(victim.port) as connection:
        connection.send(ask("hello", id=0))
        connection.reply()
        begun = time.monotonic()
        connection.pour(ask("ping", id=1) * 6_000, 1)  # a burst is 1 000, and 500 a second after it
        for _ in range(2_000):
            connection.reply()
        assert time.monotonic() - begun > 0.8
    bystander.assert_served(3)
    victim.assert_healthy()


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] if kind in DEAR else [], id=kind.__name__) for kind in KINDS],
)
def test_others_play_on_beside(kind: Kind, victim: Victim, bystander: Bystander) -> None:
    descriptors = victim.descriptors()
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    kind(victim.port, random.Random(seed))
    bystander.assert_served(2)
    until(lambda: victim.metric("tradegame_connections") == 1, lambda: "connections stay behind")
    until(
        lambda: len(victim.descriptors()) <= len(descriptors),
        lambda: f"descriptors stay behind: {descriptors} became {victim.descriptors()}",
    )
    assert not (faults := victim.faults()), "\n".join(faults)
