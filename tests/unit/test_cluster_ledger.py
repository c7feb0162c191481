"""The checker of ``tradegame cluster``, on made-up streams: what is lost, what is doubled, and what is neither."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tradegame.client import Lagged, Reset, Said, Trade
from tradegame.client.vocabulary import PublicEvent
from tradegame.cluster.witness.effects import Spoken, Traded
from tradegame.cluster.witness.ledger import Acknowledged, Ledger
from tradegame.cluster.witness.orders import OrderBook, Resting
from tradegame.cluster.witness.spectator import Frames
from tradegame.cluster.witness.tape import RESUMABLE, Tape


def said(seq: int, text: str, player: str = "ann") -> Said:
    return Said(seq=seq, at=0, player=player, text=text)


def bought(seq: int, qty: int, price: int = 20, player: str = "ann", seller: str = "house") -> Trade:
    return Trade(seq=seq, at=0, good="grain", price=price, qty=qty, buyer=player, seller=seller, taker="buy")


def spoke(seq: int, text: str) -> Acknowledged:
    return Acknowledged(seq, Spoken(text))


def buys(seq: int, qty: int, cost: int | None) -> Acknowledged:
    return Acknowledged(seq, Traded("grain", "buy", qty, cost))


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.watch("ann")
    ledger.begin_at(0)
    return ledger


def counts(ledger: Ledger) -> tuple[int, int, int]:
    """Checked, lost, doubled."""
    return ledger.checked, ledger.lost, ledger.doubled


def test_what_was_acknowledged_and_is_seen_once_is_well_whichever_comes_first(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(1, "one"))
    ledger.frame(1, [said(1, "one")])
    ledger.begin("ann")
    ledger.frame(2, [bought(2, 3), bought(2, 1, price=21)])
    ledger.answered("ann", buys(2, 4, 81))
    assert counts(ledger) == (2, 0, 0)
    assert ledger.waiting == 0


def test_an_acknowledged_command_whose_frame_does_not_show_it_is_lost(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(1, "one"))
    ledger.frame(1, [said(1, "one", player="bob")])
    assert counts(ledger) == (0, 1, 0)


def test_an_acknowledged_command_whose_frame_had_gone_by_without_it_is_lost(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.frame(1, [bought(1, 5, player="bob")])
    ledger.answered("ann", buys(1, 5, 100))
    assert counts(ledger) == (0, 1, 0)


@pytest.mark.parametrize(("qty", "cost", "lost", "doubled"), [(2, 40, 0, 1), (4, 80, 1, 0), (3, 61, 1, 0)])
def test_a_trade_that_is_not_the_acknowledged_one_is_found(
    ledger: Ledger, qty: int, cost: int, lost: int, doubled: int
) -> None:
    ledger.begin("ann")
    ledger.answered("ann", buys(1, qty, cost))
    ledger.frame(1, [bought(1, 3)])
    assert counts(ledger) == (0, lost, doubled)


def test_the_same_message_in_a_later_frame_is_doubled(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(1, "one"))
    ledger.frame(1, [said(1, "one")])
    ledger.frame(2, [said(2, "one")])
    assert counts(ledger) == (1, 0, 1)


def test_the_same_message_twice_in_one_frame_is_doubled(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(1, "one"))
    ledger.frame(1, [said(1, "one"), said(1, "one")])
    assert counts(ledger) == (1, 0, 1)


def test_a_second_effect_that_comes_before_the_answer_is_doubled(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.frame(1, [bought(1, 3)])
    ledger.frame(2, [bought(2, 3)])
    ledger.answered("ann", buys(1, 3, 60))
    assert counts(ledger) == (1, 0, 1)


def test_an_effect_of_what_was_refused_is_doubled(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.frame(1, [bought(1, 3)])
    ledger.answered("ann", None)
    assert counts(ledger) == (0, 0, 1)


def test_a_command_without_an_answer_may_have_happened_once_but_not_twice(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.frame(1, [said(1, "one")])
    ledger.abandon("ann")
    assert counts(ledger) == (0, 0, 0)
    ledger.begin("ann")
    ledger.frame(2, [said(2, "two")])
    ledger.frame(3, [said(3, "two")])
    ledger.abandon("ann")
    assert counts(ledger) == (0, 0, 1)


def test_what_others_do_and_what_rests_is_nobodys_finding(ledger: Ledger) -> None:
    ledger.frame(1, [said(1, "one", player="bob"), bought(1, 3, player="bob", seller="ann")])
    assert counts(ledger) == (0, 0, 0)


def test_what_is_in_frames_that_nobody_saw_is_unchecked_and_not_lost(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(2, "two"))
    ledger.frame(1, [said(1, "x", player="bob")])
    ledger.begin("ann")
    ledger.frame(5, [said(5, "y", player="bob")])
    ledger.answered("ann", spoke(4, "four"))
    assert counts(ledger) == (0, 0, 0)
    assert ledger.unchecked == 2


@pytest.mark.parametrize("patient", [True, False])
def test_what_is_never_seen_is_lost_if_one_waited_for_it(ledger: Ledger, patient: bool) -> None:
    ledger.begin("ann")
    ledger.answered("ann", spoke(9, "nine"))
    ledger.close(patient)
    assert (ledger.lost, ledger.unchecked) == ((1, 0) if patient else (0, 1))


def test_the_findings_say_what_happened(ledger: Ledger) -> None:
    ledger.begin("ann")
    ledger.answered("ann", buys(1, 3, 60))
    ledger.frame(1, [said(1, "x", player="bob")])
    assert list(ledger.findings) == [
        "lost: the buy of 3 grain for 60 of ann at 1 was acknowledged and is not in that frame"
    ]


# --- the tape ---


class Seen:
    def __init__(self) -> None:
        self.ledger = Ledger()
        self.frames: list[int] = []
        self.tape = Tape(self.ledger, self._show)
        for name in ("east", "west"):
            self.tape.begin(name, "e1", 10)

    def _show(self, seq: int, _: Sequence[PublicEvent]) -> None:
        self.frames.append(seq)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_frame_is_shown_once_however_many_bring_it(seen: Seen) -> None:
    for seq in (11, 12):
        for name in ("east", "west"):
            seen.tape.take(name, seq, [said(seq, f"m{seq}")])
    assert seen.frames == [11, 12]
    assert (seen.tape.compared, seen.ledger.lost, seen.ledger.doubled) == (2, 0, 0)


def test_frames_go_on_with_another_follower_when_the_first_one_is_gone(seen: Seen) -> None:
    seen.tape.take("east", 11, [said(11, "a")])
    for seq in (11, 12, 13):
        seen.tape.take("west", seq, [said(seq, "a")])
    for seq in (12, 13, 14):
        seen.tape.take("east", seq, [said(seq, "a")])
    assert seen.frames == [11, 12, 13, 14]
    assert seen.ledger.lost + seen.ledger.doubled == 0


def test_a_frame_that_a_follower_was_never_shown_is_lost(seen: Seen) -> None:
    seen.tape.take("east", 11, [said(11, "a")])
    seen.tape.take("east", 13, [said(13, "c")])
    assert seen.ledger.lost == 1


def test_a_frame_that_is_not_the_same_for_all_is_found(seen: Seen) -> None:
    seen.tape.take("east", 11, [said(11, "a")])
    seen.tape.take("west", 11, [said(11, "b")])
    assert seen.ledger.doubled == 1


def test_a_frame_that_comes_again_is_doubled(seen: Seen) -> None:
    seen.tape.take("east", 11, [said(11, "a")])
    seen.tape.take("east", 11, [said(11, "a")])
    assert seen.ledger.doubled == 1


def test_a_state_in_place_of_frames_that_could_be_had_is_a_loss(seen: Seen) -> None:
    seen.tape.reset("east", "e1", 10 + RESUMABLE)
    assert seen.ledger.lost == 1


def test_a_state_after_a_long_absence_is_none(seen: Seen) -> None:
    seen.tape.reset("east", "e1", 11 + RESUMABLE)
    seen.tape.take("east", 12 + RESUMABLE, [said(12 + RESUMABLE, "a")])
    assert seen.ledger.lost + seen.ledger.doubled == 0


def test_being_taken_back_in_time_or_to_another_life_of_the_game_is_found(seen: Seen) -> None:
    seen.tape.take("east", 11, [said(11, "a")])
    seen.tape.reset("east", "e1", 10)
    assert seen.ledger.doubled == 1
    seen.tape.reset("west", "e2", 12)
    assert seen.ledger.doubled == 2


# --- from events to frames ---


def test_events_of_one_frame_are_put_together_and_given_when_the_next_begins(seen: Seen) -> None:
    frames = Frames("east", seen.tape)
    for event in (said(11, "a"), said(11, "b"), said(12, "c")):
        frames.put(event)
    assert seen.frames == [11]
    frames.flush()
    assert seen.frames == [11, 12]


def test_the_last_frame_is_given_when_nothing_was_read_for_a_while(seen: Seen) -> None:
    frames = Frames("east", seen.tape)
    frames.put(said(11, "a"))
    frames.idle()
    assert seen.frames == []
    frames.idle()
    assert seen.frames == [11]


def test_a_follower_that_was_too_slow_leaves_out_the_frame_that_may_be_torn(seen: Seen) -> None:
    frames, other = Frames("east", seen.tape), Frames("west", seen.tape)
    for seq in range(11, 15):
        other.put(said(seq, "a"))
        other.put(said(seq, "b"))
    other.flush()
    frames.put(Lagged(5))
    for event in (said(13, "b"), said(14, "a"), said(14, "b")):
        frames.put(event)
    frames.flush()
    assert seen.frames == [11, 12, 13, 14]
    assert (seen.tape.compared, seen.ledger.lost, seen.ledger.doubled) == (1, 0, 0)


def test_a_reset_reaches_the_tape_in_its_place(seen: Seen) -> None:
    frames = Frames("east", seen.tape)
    frames.put(said(11, "a"))
    frames.put(Reset("e1", 12))
    frames.put(said(13, "b"))
    frames.flush()
    assert seen.frames == [11, 13]
    assert seen.ledger.lost == 1


# --- resting orders ---


@pytest.fixture
def orders() -> OrderBook:
    orders = OrderBook()
    orders.begin()
    orders.placed("o1", Resting("grain", "bid", 5, 20))
    return orders


def audits(orders: OrderBook, *ids: str, times: int = 5, head: int = 100) -> list[tuple[str, str]]:
    return [
        (kind, what.split(":")[0].split(",")[0]) for _ in range(times) for kind, what in orders.audit(ids, 50, head)
    ]


def test_an_order_that_rests_as_acknowledged_is_well(orders: OrderBook) -> None:
    assert audits(orders, "o1") == []
    assert orders.checked == 1


def test_an_acknowledged_order_that_is_not_there_is_lost(orders: OrderBook) -> None:
    assert audits(orders) == [("lost", "order o1 (bid 5 grain at 20)")]


def test_an_order_that_nobody_placed_is_doubled(orders: OrderBook) -> None:
    assert audits(orders, "o1", "o2") == [("doubled", "order o2")]


def test_a_cancelled_order_that_is_still_there_is_found(orders: OrderBook) -> None:
    orders.cancelled("o1")
    assert audits(orders, "o1") == [("lost", "the cancel of order o1")]


def test_an_account_of_a_moment_ago_is_no_finding(orders: OrderBook) -> None:
    assert audits(orders, times=2) == []
    assert audits(orders, "o1") == []
    assert audits(orders, times=2) == []


def test_an_order_that_traded_is_none_once_the_trade_is_seen(orders: OrderBook) -> None:
    assert audits(orders, head=49) == []
    orders.filled("grain", "bid", 20, 5)
    assert orders.open == {}
    assert audits(orders) == []


def test_trades_take_the_oldest_order_at_their_price(orders: OrderBook) -> None:
    orders.placed("o2", Resting("grain", "bid", 5, 20))
    orders.filled("grain", "bid", 20, 6)
    assert {name: order.qty for name, order in orders.open.items()} == {"o2": 4}


def test_a_trade_that_is_seen_before_its_order_is_acknowledged_counts(orders: OrderBook) -> None:
    orders.begin()
    orders.filled("grain", "ask", 30, 2)
    orders.placed("o2", Resting("grain", "ask", 2, 30))
    assert list(orders.open) == ["o1"]


def test_a_new_round_ends_every_order(orders: OrderBook) -> None:
    orders.new_round()
    assert orders.open == {}
    assert audits(orders) == []


def test_a_witness_is_told_on_which_side_it_rests(orders: OrderBook) -> None:
    assert (orders.side_in("grain"), orders.side_in("wool")) == ("bid", None)
