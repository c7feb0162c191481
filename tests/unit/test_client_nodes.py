"""Which node a client goes to, and when it gives one up: the parts that decide, alone."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
import trio
from trio.testing import MockClock

from tradegame.client.breaker import TROUBLE_S, CircuitBreaker
from tradegame.client.nodes import COOL_MOST_S, COOL_S, MOST, Nodes
from tradegame.client.vigil import ASKED_S, DEAF_S, PONG_S, Vigil

A, B, C, D = (f"ws://{host}.example/ws" for host in "abcd")


def nodes(*given: str, seed: int = 1) -> Nodes:
    return Nodes(given, random.Random(seed))


def a_round(known: Nodes) -> list[str]:
    tried = [known.next()]
    while known.more:
        tried.append(known.next())
    return tried


async def test_before_any_was_met_they_are_tried_in_the_order_given() -> None:
    known = nodes(A, B, C)
    assert a_round(known) == [A, B, C]
    known.begin_round()
    assert a_round(known) == [A, B, C]


async def test_after_a_loss_the_others_are_tried_at_random_and_the_lost_one_last() -> None:
    first = Counter[str]()
    for seed in range(300):
        known = nodes(A, seed=seed)
        known.next()
        known.met(A, "a", [A, B, C])
        known.begin_round(lost=A)
        tried = a_round(known)
        assert tried[2] == A
        first[tried[0]] += 1
    assert set(first) == {B, C}
    assert min(first.values()) > 100


async def test_what_was_given_is_kept_and_what_was_learned_is_replaced() -> None:
    known = nodes(A)
    known.met(A, "a", [A, B, C])
    assert known.urls == (A, B, C)
    known.met(B, "b", [B, D])
    assert known.urls == (A, B, D)


async def test_nobody_grows_the_list_beyond_its_bound() -> None:
    known = nodes(A)
    known.met(A, "a", [A, *(f"ws://n{number}.example/ws" for number in range(1000))])
    assert len(known.urls) == 1 + MOST


async def test_a_nodes_own_name_for_where_we_are_is_no_other_node() -> None:
    known = nodes("ws://play.example/ws")
    known.met("ws://play.example/ws", "a", [A, B])
    assert known.urls == ("ws://play.example/ws", B)
    known = nodes(A)
    known.met(A, "a", [A])
    assert (known.urls, known.others(A)) == ((A,), [])


async def test_two_given_names_of_one_node_are_known_to_be_one_once_both_were_met() -> None:
    known = nodes(A, B, C)
    known.met(A, "one", [])
    known.met(B, "one", [])
    assert known.others(B) == [C]


@pytest.mark.parametrize(
    "address",
    [
        "ws://a b/ws",
        "http://b.example/ws",
        "ws:///ws",
        "ws://b.example:99999/ws",
        "ws://user:secret@b.example/ws",
        "ws://b.example/" + "x" * 300,
        "ws://bücher.example/ws",
        "ws://b.example/ws\n",
        "",
        "ws://127.0.0.1:8765/ws",
        "ws://localhost/ws",
        "ws://[::1]:8765/ws",
        "ws://0.0.0.0:8765/ws",
    ],
)
async def test_an_address_that_leads_nowhere_is_not_learned(address: str) -> None:
    known = nodes(A)
    known.met(A, "a", [A, address, C])
    assert known.urls == (A, C)


async def test_on_one_machine_local_addresses_are_learned() -> None:
    known = nodes("ws://localhost:1/ws")
    known.met("ws://localhost:1/ws", "a", ["ws://127.0.0.1:1/ws", "ws://127.0.0.1:2/ws"])
    assert known.urls == ("ws://localhost:1/ws", "ws://127.0.0.1:2/ws")


async def test_who_came_over_tls_never_goes_anywhere_without() -> None:
    known = nodes("wss://a.example/ws")
    known.met("wss://a.example/ws", "a", ["wss://a.example/ws", B, "wss://c.example/ws"])
    assert known.urls == ("wss://a.example/ws", "wss://c.example/ws")


async def test_a_node_that_failed_is_passed_over_ever_longer_until_it_serves_well(autojump_clock: MockClock) -> None:
    known = nodes(A, B)
    known.met(A, "a", [])
    for most in (COOL_S, 2 * COOL_S, 4 * COOL_S, 8 * COOL_S, COOL_MOST_S):
        known.failed(B)
        assert not known.elsewhere(A)
        assert known.elsewhere(B)
        await trio.sleep(most / 2 - 0.1)
        assert not known.elsewhere(A)
        await trio.sleep(most / 2 + 0.1)
        assert known.elsewhere(A)
    known.failed(B)
    known.steady(B)
    assert known.elsewhere(A)


async def test_nodes_that_failed_lately_are_tried_after_the_others() -> None:
    for seed in range(20):
        known = nodes(A, B, C, D, seed=seed)
        known.met(A, "a", [])
        known.failed(C)
        known.begin_round(lost=A)
        assert a_round(known)[3] == C


async def test_learned_addresses_that_cannot_be_reached_do_not_keep_it_from_where_it_was() -> None:
    known = nodes(A)
    known.met(A, "a", [A, *(f"ws://pod{number}.example/ws" for number in range(60))])
    known.begin_round(lost=A)
    tried = []
    while (url := known.next()) != A:
        tried.append(url)
        known.failed(url)
    assert len(tried) == 2


# When it is given up


def looks(vigil: Vigil, *, heard: float = 0, asked: float | None = None) -> list[tuple[str, float]]:
    """What the vigil does and when, if nothing is heard after ``heard``."""
    now, done = heard, []
    for _ in range(10):
        todo, until = vigil.look(now, heard, asked, asked)
        if todo != "wait":
            done.append((todo, now))
        if todo == "leave":
            return done
        now = until
    raise AssertionError("it waits for ever")


def test_silence_after_a_request_is_asked_about_and_left_within_seconds() -> None:
    done = looks(Vigil(20, hasty=True), asked=7)
    assert done == [("ping", 7 + ASKED_S), ("leave", 7 + ASKED_S + PONG_S)]


def test_silence_without_a_request_is_left_after_two_heartbeats() -> None:
    assert looks(Vigil(20, hasty=True)) == [("ping", 30), ("leave", 40)]
    assert looks(Vigil(20, hasty=False), asked=1) == [("ping", 30), ("leave", 40)]


def test_a_request_into_a_silence_already_asked_about_shortens_it() -> None:
    vigil = Vigil(20, hasty=True)
    assert vigil.look(30, 0, None, None) == ("ping", 40)
    assert vigil.look(31, 0, 31, 31) == ("wait", 36)
    assert vigil.look(36, 0, 31, 31)[0] == "leave"


def test_any_byte_is_a_sign_of_life_and_patience_waits_longer() -> None:
    vigil = Vigil(20, hasty=True, patience=2)
    assert vigil.look(6, 0, 0, 0)[0] == "ping"
    assert vigil.look(6.5, 6.4, None, 0) == ("wait", 6.4 + 2 * ASKED_S)


def test_a_server_that_talks_but_does_not_answer_is_left() -> None:
    vigil, now = Vigil(20, hasty=True), 0.0
    while vigil.look(now, now, None, 0)[0] != "leave":
        now += 1
    assert now == DEAF_S
    assert Vigil(20, hasty=False).look(100, 99, None, 0)[0] == "wait"


def test_a_node_that_only_says_it_cannot_is_left_after_a_while() -> None:
    breaker = CircuitBreaker()
    assert not breaker.answered("buy", "overloaded", 0, 0.1)
    assert not breaker.answered("buy", "overloaded", 1, 1.1)
    assert breaker.answered("buy", "unavailable", 1.4, TROUBLE_S)


def test_one_answer_that_took_long_is_enough() -> None:
    assert CircuitBreaker().answered("buy", "unavailable", 0, 4)


def test_a_node_that_does_some_of_its_work_is_kept() -> None:
    breaker = CircuitBreaker()
    breaker.answered("sell", None, -1, -0.8)
    for now in range(100):
        assert not breaker.answered("buy", "timeout", now - 5, now + 0.1)
        assert not breaker.answered("sell", "insufficient_goods", now, now + 0.2)


@pytest.mark.parametrize(("op", "error"), [("book", None), ("join", None), ("buy", "rate_limited")])
def test_what_is_answered_from_memory_proves_nothing(op: str, error: str | None) -> None:
    breaker = CircuitBreaker()
    assert not breaker.answered("buy", "unavailable", 0, 0.1)
    assert not breaker.answered(op, error, 0, 1)
    assert breaker.answered("buy", "unavailable", 1.6, 1.7)


def test_trouble_of_long_ago_is_forgotten() -> None:
    breaker = CircuitBreaker()
    assert not breaker.answered("buy", "overloaded", 0, 0.1)
    assert not breaker.answered("buy", "overloaded", 60, 60.1)
    assert not math.isinf(breaker._bad_since)


async def test_a_node_that_writes_its_own_address_otherwise_is_the_node_that_we_are_at() -> None:
    known = nodes(A)
    known.met(A, "a", [A, B])
    known.begin_round(lost=A)
    assert known.next() == B
    known.met(B, "b", [B.removesuffix("/ws"), A])
    assert B in known.urls
    known.failed(B)
    known.steady(B)
