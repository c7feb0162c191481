"""Budgets: they outlive connections, are shared fairly within an address, and are bounded in number."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradegame.core.admission import budgets as module
from tradegame.core.admission.budgets import CROWD_PATIENCE_S, Budgets, payer_of
from tradegame.core.admission.messages import LONGEST_MESSAGE, TALKERS_AT_FULL_RATE, WHISPERS_BURST
from tradegame.core.admission.pools import ADDRESS_BURST_S
from tradegame.protocol.errors import RateLimitedError


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def granted(take: Callable[[], None], times: int) -> int:
    """How many of so many tries are not refused."""
    count = 0
    for _ in range(times):
        try:
            take()
        except RateLimitedError:
            continue
        count += 1
    return count


def test_a_player_has_a_burst_and_then_a_rate_whatever_connection_it_comes_by(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    done = 0
    for _ in range(600):
        clock.now += 0.1
        done += granted(lambda: budgets.take("p-1", "10.0.0.1"), 39)
    assert 40 + 20 * 60 - 3 <= done <= 40 + 20 * 60


def test_the_time_to_wait_is_the_time_to_wait(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    chance = random.Random(7)
    for _ in range(200):
        granted(lambda: budgets.take("p-1", "10.0.0.1"), 50)
        cost = chance.choice((1.0, 2.0, 5.0))
        with pytest.raises(RateLimitedError) as refused:
            budgets.take("p-1", "10.0.0.1", cost)
        wait_s = (refused.value.retry_after_ms or 0) / 1000
        clock.now += wait_s - 0.002
        with pytest.raises(RateLimitedError):
            budgets.take("p-1", "10.0.0.1", cost)
        clock.now += 0.002
        budgets.take("p-1", "10.0.0.1", cost)


def test_the_dearest_request_is_possible_under_the_smallest_burst(clock: Clock) -> None:
    budgets = Budgets(1, 1, now=clock)
    budgets.take("p-1", "10.0.0.1", 5.0)
    clock.now += 1.001
    budgets.take("p-1", "10.0.0.1", 5.0)


def test_a_long_answer_is_paid_afterwards_and_its_debt_is_bounded(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    budgets.take("p-1", "10.0.0.1")
    budgets.charge("p-1", "10.0.0.1", 1_000_000)
    clock.now += (40 + 1) / 20 + 0.001
    budgets.take("p-1", "10.0.0.1")


def test_a_class_gets_in_within_a_second(clock: Clock) -> None:
    """300 pupils behind one address connect, say hello as new players, join, and send what a page sends at once."""
    budgets = Budgets(20, 40, now=clock)
    chance = random.Random(1)
    for pupil in sorted(range(300), key=lambda _: chance.random()):
        clock.now += 1 / 300
        budgets.connect("10.0.0.1")
        budgets.take(f"c{pupil}", "10.0.0.1", 2.0)
        budgets.sign_up("10.0.0.1")
        budgets.take(f"p{pupil}", "10.0.0.1", 2.0)
        budgets.charge(f"p{pupil}", "10.0.0.1", 2.0)
        for _ in range(3):
            budgets.take(f"p{pupil}", "10.0.0.1")


def test_four_hundred_accounts_of_one_player_do_not_starve_a_classmate(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    done, mine, tried = 0, 0, 0
    for step in range(20 * 50):  # 20 s in steps of 20 ms
        clock.now += 0.02
        for account in range(400):
            if (account + step) % 4 == 0:
                done += granted(lambda: budgets.take(f"bad{account}", "10.0.0.1"), 1)  # noqa: B023 - called at once
        if step >= 500 and step % 25 == 0:  # two commands a second, after the first ten seconds
            tried += 1
            mine += granted(lambda: budgets.take("classmate", "10.0.0.1"), 1)
    assert mine == tried
    assert done <= 2_000 * 20 + 1.2 * 10_000  # what was saved up of the shares puts the total into debt
    budgets.take("p-2", "10.0.0.2")  # another address knows nothing of it


def test_who_asks_for_less_than_a_share_is_not_refused_in_a_crowd_when_two_requests_come_together(clock: Clock) -> None:
    """Two requests a second, at any time, some of which cost more afterwards, beside 400 that take what they get."""
    budgets, chance = Budgets(20, 40, now=clock), random.Random(1)
    due = {f"classmate{number}": chance.uniform(10, 11) for number in range(40)}
    begun = clock.now
    for _ in range(25 * 50):
        clock.now += 0.02
        for account in range(400):
            if chance.random() < 0.5:
                granted(lambda: budgets.take(f"bad{account}", "10.0.0.1"), 1)  # noqa: B023 - called at once
        for classmate, at in due.items():
            if begun + at <= clock.now:
                budgets.take(classmate, "10.0.0.1")
                budgets.charge(classmate, "10.0.0.1", chance.choice((0, 0, 0, 0, 1, 2)))
                due[classmate] += chance.uniform(0.2, 0.8)


def test_accounts_that_ask_for_little_do_not_make_the_share_of_who_plays_too_small(clock: Clock) -> None:
    """On a strained node 2 000 accounts take turns at one request each, and what is left goes into connections."""
    budgets, chance = Budgets(20, 40, now=clock), random.Random(1)
    budgets.pace.value = 0.2
    due = {f"classmate{number}": clock.now + chance.uniform(0, 1) for number in range(40)}
    refused = asked = 0
    for _ in range(60 * 100):
        clock.now += 0.01
        while granted(lambda: budgets.connect("10.0.0.1"), 1):
            pass
        for _ in range(2):
            granted(lambda: budgets.take(f"bad{chance.randrange(2_000)}", "10.0.0.1"), 1)
        for classmate, at in due.items():
            if at <= clock.now:
                asked += 1
                refused += not granted(lambda: budgets.take(classmate, "10.0.0.1"), 1)  # noqa: B023 - called at once
                budgets.charge(classmate, "10.0.0.1", chance.choice((0, 0, 0, 0, 1, 2)))
                due[classmate] += chance.uniform(0.2, 0.8)
    assert refused < asked / 100


def crowd(budgets: Budgets, address: str = "10.0.0.1") -> None:
    """Four hundred who take all that there is."""
    for account in range(400):
        granted(lambda: budgets.take(f"bad{account}", address), 40)  # noqa: B023 - called at once


def test_who_has_spent_a_share_waits_and_who_has_spent_a_rate_is_refused(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    assert granted(lambda: budgets.take("alone", "10.0.0.2"), 40) == 40
    with pytest.raises(RateLimitedError):
        budgets.admit("alone", "10.0.0.2", 1.0)
    crowd(budgets)
    assert granted(lambda: budgets.take("classmate", "10.0.0.1"), 100) <= 40
    wait = budgets.admit("classmate", "10.0.0.1", 1.0)
    assert 0 < wait <= CROWD_PATIENCE_S
    clock.now += wait + 0.001
    assert budgets.admit("classmate", "10.0.0.1", 1.0) == 0
    with pytest.raises(RateLimitedError):
        budgets.admit("classmate", "10.0.0.1", 1.0, wait / 2)
    with pytest.raises(RateLimitedError):
        budgets.admit("classmate", "10.0.0.1", 40.0)
    assert budgets.too_fast["commands"] > 0


def test_who_has_spent_what_an_overloaded_node_grants_waits(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    budgets.pace.value = 0.2
    assert granted(lambda: budgets.take("ann", "10.0.0.1"), 40) == 8
    assert 0 < budgets.admit("ann", "10.0.0.1", 1.0) <= 0.25
    budgets.pace.value = 1.0
    with pytest.raises(RateLimitedError):
        budgets.admit("ann", "10.0.0.1", 1.0)


def test_accounts_that_take_turns_get_no_more_than_their_address_has(clock: Clock) -> None:
    """Each sleeps until it has a burst again, which in a crowd is worth no more than its share."""
    budgets = Budgets(20, 40, now=clock)
    done = 0
    for second in range(20):
        clock.now += 1
        for account in range(200):
            done += granted(lambda: budgets.take(f"a{second % 10}-{account}", "10.0.0.1"), 20)  # noqa: B023
    assert done <= 2_000 * 20 + 2 * 10_000


def test_wrong_tokens_and_new_connections_are_paid_by_the_address(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    done = 0
    for attempt in range(20_000):  # 5 500 a second is what one address could do
        clock.now += 1 / 5_500
        try:
            budgets.connect("10.0.0.1")
            budgets.take(f"c{attempt}", "10.0.0.1", 2.0)
        except RateLimitedError:
            continue
        budgets.charge(f"c{attempt}", "10.0.0.1", module.WRONG_TOKEN)
        done += 1
    assert done < 1_000
    budgets.connect("10.0.0.2")


def test_a_flood_of_addresses_neither_grows_the_table_nor_begins_anybodys_budget_anew(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW_KEPT", 0)
    monkeypatch.setattr(module, "ADDRESSES_KEPT", 100)
    monkeypatch.setattr(module, "PAYERS_KEPT", 100)
    budgets = Budgets(20, 40, now=clock)
    assert granted(lambda: budgets.take("spent", "10.0.0.1"), 1_000) == 40
    for number in range(10_000):
        granted(lambda: budgets.take(f"c{number}", f"10.{number}"), 1)  # noqa: B023 - called at once
        budgets.frames(f"c{number}", f"10.{number}", 1)
    assert len(budgets) <= 200
    assert granted(lambda: budgets.take("spent", "10.0.0.1"), 10) == 0
    clock.now += 60
    for number in range(200):  # all are full again, and make room
        budgets.take(f"d{number}", f"11.{number}")
        clock.now += 10
    assert len(budgets) <= 10


def test_the_budget_of_a_class_in_use_is_not_made_anew_for_each_request(clock: Clock) -> None:
    """Each is full when the next request comes: as good as a new one, and dearer to make than to keep."""
    budgets = Budgets(20, 40, now=clock)
    made = 0
    for request in range(50):
        for player in range(100):
            budgets.take(f"p{player}", "10.0.0.1")
        clock.now += 10
        made = made or len(budgets)
        assert len(budgets) == made, request
    assert made == 100 + 1


def test_who_has_spent_the_frames_is_not_read_until_it_has_some_again(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    frames, begun = 0, clock.now
    while clock.now - begun < 60:
        frames += 1
        clock.now += budgets.frames("p-1", "10.0.0.1", 1) or 1e-5
    assert frames <= 220 + 70 * 61


def test_http_is_shared_among_the_connections_of_an_address_and_costs_players_nothing(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    done = granted(lambda: budgets.http("10.0.0.1:5", "10.0.0.1", 5), 10_000)
    assert 1_500 <= done <= 2_000  # the burst, less what is kept for others
    for _ in range(500):
        clock.now += 0.01
        granted(lambda: budgets.http("10.0.0.1:5", "10.0.0.1", 5), 50)
    assert granted(lambda: budgets.http("10.0.0.1:6", "10.0.0.1", 5), 1) == 1
    assert granted(lambda: budgets.take("p-1", "10.0.0.1"), 40) == 40


def test_new_players_are_counted_by_address(clock: Clock) -> None:
    budgets = Budgets(20, 40, sign_ups=5, now=clock)
    assert granted(lambda: budgets.sign_up("10.0.0.1"), 10) == 5
    clock.now += 3.1
    assert granted(lambda: budgets.sign_up("10.0.0.1"), 10) == 3


@pytest.mark.parametrize(
    ("address", "payer"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("what:ever", "what:ever"),
    ],
)
def test_who_pays_for_an_address(address: str, payer: str) -> None:
    assert payer_of(address) == payer


def test_connections_of_every_kind_are_counted_at_the_door_before_a_handshake(clock: Clock) -> None:
    budgets = Budgets(20, 40, knocks=5_000, now=clock)
    done = sum(budgets.knock("10.0.0.1") for _ in range(20_000))
    clock.now += 1.001
    assert (done, sum(budgets.knock("10.0.0.1") for _ in range(1_000))) == (5_000, 200)
    assert budgets.knock("10.0.0.2")
    assert budgets.too_fast["knocks"] == 15_800


def test_a_thousand_players_in_debt_shut_out_the_others_of_their_address_for_seconds_only(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    pool = budgets.address("10.0.0.1").requests
    for number in range(1_000):
        budgets.charge(f"p{number}", "10.0.0.1", 80)
    clock.now += pool.burst / pool.per_s + 0.001
    assert granted(lambda: budgets.take("honest", "10.0.0.1"), 1) == 1


@given(st.integers(0, 2**32))
def test_whatever_is_done_nobody_gets_more_than_its_budget(seed: int) -> None:
    """Players, costs and pauses at random: what was granted is what bursts and rates allow, and no debt lasts."""
    chance, clock = random.Random(seed), Clock()
    per_s, burst = chance.choice((1, 20, 500)), chance.choice((1, 40, 1_000))
    total = chance.choice((0, 1, 50, 2_000))
    budgets = Budgets(per_s, burst, total, now=clock)
    pool = budgets.address("10.0.0.1").requests
    players = [f"p{number}" for number in range(chance.choice((1, 3, 60)))]
    granted_to, begun, waits = dict.fromkeys(players, 0.0), clock.now, list[int]()
    for _ in range(600):
        player = chance.choice(players)
        cost = min(chance.choice((1.0, 1.0, 2.0, 5.0)), burst)
        try:
            budgets.take(player, "10.0.0.1", cost)
            granted_to[player] += cost
        except RateLimitedError as error:
            waits.append(error.retry_after_ms or 0)
        if chance.random() < 0.05:
            budgets.charge(player, "10.0.0.1", chance.choice((1.0, 100.0)))
        if chance.random() < 0.3:
            clock.now += chance.choice((0.001, 0.1, 3.0))
    passed = clock.now - begun
    assert all(wait_ms > 0 for wait_ms in waits)
    assert max(granted_to.values()) <= burst + per_s * passed + 1e-6
    assert sum(granted_to.values()) <= 2 * pool.burst + burst + pool.per_s * passed + 1e-6
    clock.now += (2 * burst + 5) / per_s + (3 * pool.burst + 5) / pool.per_s + 5 * len(players) / pool.per_s * 2
    budgets.take(players[0], "10.0.0.1")


def test_what_others_whisper_to_a_player_is_bounded_and_the_whisperer_is_told() -> None:
    """Twelve whisperers, each within its rate, had a client closed that read 200 KB/s."""
    sent, clock = 0, Clock()
    budgets = Budgets(20, 40, now=clock)
    while sent + LONGEST_MESSAGE <= WHISPERS_BURST:
        budgets.messages.whisper("p-ann", "\U0001f600" * 500)
        sent += LONGEST_MESSAGE
    with pytest.raises(RateLimitedError, match="whispered") as refused:
        budgets.messages.whisper("p-ann", "\U0001f600" * 500)
    assert budgets.too_fast == {"whispers": 1}
    budgets.messages.whisper("p-bob", "hello")
    assert refused.value.retry_after_ms
    clock.now += refused.value.retry_after_ms / 1000
    budgets.messages.whisper("p-ann", "\U0001f600" * 500)


def test_what_is_said_in_a_game_is_bounded_however_many_say_it_and_nobody_is_talked_down(clock: Clock) -> None:
    """Ninety-five accounts at full rate had a follower closed that read 400 KB/s."""
    budgets, seconds = Budgets(20, 40, now=clock), 60
    loud, said, heard = [f"loud-{number}" for number in range(95)], 0, 0
    for tenth in range(10 * seconds):
        clock.now += 0.1
        for player in loud:
            said += granted(lambda player=player: budgets.messages.talk("bazaar", player, "\U0001f600" * 500), 2)
        if tenth % 20 == 0:
            heard += granted(lambda: budgets.messages.talk("bazaar", "honest", "Who has wood for three coins?"), 1)
    per_s = TALKERS_AT_FULL_RATE * 20
    assert per_s * seconds * 0.7 < said <= per_s * (seconds + 2 * ADDRESS_BURST_S), "of the longest messages"
    assert heard >= 0.8 * seconds / 2
    assert set(budgets.too_fast) == {"talk"}
    budgets.messages.talk("another game", loud[0], "hello")


def test_who_talks_alone_is_bounded_by_their_rate_alone(clock: Clock) -> None:
    budgets = Budgets(20, 40, now=clock)
    assert granted(lambda: budgets.messages.talk("bazaar", "p-ann", "\U0001f600" * 500), 60) == 40, "a burst"
    for _ in range(200):
        clock.now += 0.051
        budgets.messages.talk("bazaar", "p-ann", "\U0001f600" * 500)
