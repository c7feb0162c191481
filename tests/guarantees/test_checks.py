"""Each check finds what it is for: a made-up history in which all is well, with one thing wrong at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen

from tests.guarantees.checks import CHECKS, Run, effects_are_as_told, violations
from tests.guarantees.history import (
    AccountSeen,
    Answered,
    Command,
    Event,
    Followed,
    FrameSeen,
    History,
    Lost,
    Odd,
    Sent,
    Signed,
    Visit,
    fingerprint,
)
from tests.guarantees.truth import Effect, Truth
from tradegame.client.events import public_events
from tradegame.cluster.witness.effects import Spoken, Traded
from tradegame.cluster.witness.ledger import Acknowledged, Ledger

EPOCH = "k3v9"
BUY = {"op": "buy", "good": "grain", "qty": 2}
SAY = {"op": "say", "text": "this is a2"}
BOUGHT = {"filled": 2, "cost": 44, "fee": 0, "cash": 56, "seq": 1}
TRADE = {"type": "trade", "good": "grain", "price": 22, "qty": 2, "buyer": "p1", "seller": "house", "taker": "buy"}
ACCOUNT = {"cash": 56, "goods": {"grain": 2}}


@frozen
class Entry:
    generation: int
    id: str
    value: bytes = b""


def frame(seq: int, *events: dict[str, Any]) -> FrameSeen:
    text = {"push": "events", "game": "g", "epoch": EPOCH, "seq": seq, "at": seq, "events": events}
    return FrameSeen(EPOCH, seq, json.dumps(text).encode())


def said(text: str) -> dict[str, Any]:
    return {"type": "said", "player": "p1", "text": text}


FRAMES = (frame(1, TRADE), frame(2, said("this is a2")), frame(3, said("this is a3")))
LOST = Lost(None, 1)
RESUMED = Followed(1, EPOCH, 1, True, 4.0)
REPLAYED = Answered(3, 1, True, {"seq": 2, "replayed": True}, 5.0)
UNKEYED = Answered(4, 2, True, {"seq": 3}, 6.0)
UNKNOWN = {"code": "unavailable", "message": "", "definite": False}
REFUSED = {"code": "overloaded", "message": "", "definite": True}


def sound() -> Run:
    """A client buys, is cut off before it hears that its message was said, comes back and says it again."""
    history = History(
        "a",
        "p1",
        [Command("a1", BUY), Command("a2", SAY), Command(None, {"op": "say", "text": "this is a3"})],
        [
            Signed("p1"),
            Followed(None, EPOCH, 0, False, 1.0),
            Sent(1, 0),
            Answered(1, 0, True, BOUGHT, 2.0),
            FRAMES[0],
            AccountSeen(1, fingerprint(json.dumps(ACCOUNT))),
            Sent(2, 1),
            LOST,
            Signed("p1"),
            RESUMED,
            FRAMES[1],
            Sent(3, 1),
            REPLAYED,
            Sent(4, 2),
            UNKEYED,
            FRAMES[2],
        ],
        ACCOUNT,
    )
    truth = Truth(
        epoch=EPOCH,
        seq=3,
        entries=(Entry(1, "n.1-1"), Entry(2, "n.1-2")),
        effects={
            ("p1", "a1"): [Effect(True, BOUGHT)],
            ("p1", "a2"): [Effect(True, {"seq": 2}, newer=1)],
            ("p1", "text:this is a3"): [Effect(True, {"seq": 3}, newer=2)],
        },
        copies={("p1", "a1"): {(0, EPOCH)}, ("p1", "a2"): {(1, EPOCH)}},
        logged=Counter({("p1", "a1"): 1, ("p1", "a2"): 2, ("p1", "text:this is a3"): 1}),
        frames={seen.seq: seen.text for seen in FRAMES},
        accounts={("p1", 1): {fingerprint(json.dumps(ACCOUNT))}},
        final={"p1": ACCOUNT},
        digests={2: "abc"},
    )
    return Run([history], truth, frames_kept=10, snapshots=[(2, "abc")], visits=[Visit("east", 3.0, 1)])


def test_what_an_amended_order_traded_is_of_the_good_and_side_that_it_was_placed_in() -> None:
    placed, amended = {"op": "order", "good": "grain", "side": "bid", "qty": 2}, {"op": "amend", "order": "o1"}
    history = History("a", "p1", [Command("a1", placed), Command("a2", amended)])
    history.events.append(Answered(1, 0, True, {"order": "o1", "filled": 0, "resting": 2, "seq": 0}, 1.0))
    history.events.append(Answered(2, 1, True, {"order": "o2", "filled": 2, "resting": 0, "seq": 1}, 2.0))
    history.events.append(FRAMES[0])
    run = evolve(sound(), histories=[history])
    assert list(effects_are_as_told(run)) == []
    history.events[1] = Answered(2, 1, True, {"order": "o2", "filled": 1, "resting": 1, "seq": 1}, 2.0)
    assert len(list(effects_are_as_told(run))) == 1


def found(run: Run) -> dict[str, str]:
    """The checks that speak up, and what each says first."""
    told: dict[str, str] = {}
    for violation in violations(run):
        name, _, words = violation.partition(": ")
        told.setdefault(name, words)
    return told


Plant = Callable[[Run], object]
PLANTED: list[tuple[str, str, Plant]] = []


def planted(check: str, words: str = "") -> Callable[[Plant], Plant]:
    """``check`` must find what the function does to a sound run, and say ``words``."""

    def enter(plant: Plant) -> Plant:
        PLANTED.append((check, words, plant))
        return plant

    return enter


def replacing(old: Event, *new: Event) -> Plant:
    """Put other events in the place of one."""

    def plant(run: Run) -> None:
        events = run.histories[0].events
        at = events.index(old)
        events[at : at + 1] = new

    return plant


def showing(seq: int, *events: dict[str, Any]) -> Plant:
    """Show other events in a frame."""
    return replacing(FRAMES[seq - 1], frame(seq, *events))


@planted("acknowledged_is_there", "is not in the log")
def a_lost_acknowledgement(run: Run) -> None:
    del run.truth.effects["p1", "a1"]


@planted("acknowledged_is_there", "is not in the log")
def a_lost_message_without_a_key(run: Run) -> None:
    del run.truth.effects["p1", "text:this is a3"]


@planted("acknowledged_is_there", "the log says")
def a_result_that_differs(run: Run) -> None:
    run.truth.effects["p1", "a1"] = [Effect(True, {**BOUGHT, "cost": 45})]


@planted("one_effect_at_most", "p1: a2 took effect 2 times, the second time 300 newer keys later")
def a_second_effect(run: Run) -> None:
    run.truth.effects["p1", "a2"].append(Effect(True, {"seq": 3}, newer=302))


@planted("one_effect_at_most", "p1: text:this is a3 took effect 2 times")
def a_second_effect_of_a_message_without_a_key(run: Run) -> None:
    run.truth.effects["p1", "text:this is a3"] *= 2


@planted("copies_say_the_same", "p1: the copies of a2 say")
def a_copy_that_says_what_its_client_was_told_later(run: Run) -> None:
    run.truth.copies["p1", "a2"].add((2, EPOCH))


@planted("copies_say_the_same", "p1: the copies of a2 say")
def a_copy_of_another_epoch(run: Run) -> None:
    run.truth.copies["p1", "a2"] = {(1, "other")}


@planted("copies_say_the_same", "p1: the copies of a1 say")
def a_copy_that_says_nothing(run: Run) -> None:
    run.truth.copies["p1", "a1"] = {(None, EPOCH)}


@planted("logged_as_often_as_sent", "p1: a1 may be in the log 1 times, and is there 2 times")
def a_blind_second_append(run: Run) -> None:
    run.truth.logged["p1", "a1"] = 2


@planted("logged_as_often_as_sent", "p1: zz may be in the log 0 times")
def a_command_that_nobody_sent(run: Run) -> None:
    run.truth.logged["p1", "zz"] = 1


@planted("entries_are_appended_once", "n.1-1 was appended 2 times")
def an_entry_appended_twice(run: Run) -> None:
    run.truth.entries = (*run.truth.entries[:1], *run.truth.entries)


@planted("entries_are_appended_once", "n.1-3 came into generation 1 after 2 had begun")
def an_entry_in_a_generation_that_was_over(run: Run) -> None:
    run.truth.entries = (*run.truth.entries, Entry(1, "n.1-3"))


@planted("streams_are_the_log", "by the log it is no frame")
def a_frame_that_was_taken_back(run: Run) -> None:
    del run.truth.frames[3]


@planted("accounts_are_the_logs", "me is")
def another_account_at_the_end(run: Run) -> None:
    run.histories[0].account = {**ACCOUNT, "cash": 12}


@planted("the_log_is_sound", "cash sums to 1")
def an_invariant_that_does_not_hold(run: Run) -> None:
    run.truth.problems.append("at the end: cash sums to 1, not 0")


@planted("snapshots_are_the_log", "the snapshot of generation 2 is abd, the replay abc")
def a_snapshot_of_something_else(run: Run) -> None:
    run.snapshots = [(2, "abd")]


OTHER = AccountSeen(1, fingerprint(json.dumps({**ACCOUNT, "cash": 12})))
PLANTED += [
    ("every_command_is_answered", "was never answered", replacing(REPLAYED)),
    ("every_command_is_answered", "was never answered", replacing(REPLAYED, Answered(3, 1, False, UNKNOWN))),
    ("one_first_answer", "as if for the first time", replacing(LOST, Answered(9, 0, True, BOUGHT), LOST)),
    # Refused for certain, and in the log all the same.
    ("logged_as_often_as_sent", "a2 may be in the log 1 times", replacing(LOST, Answered(2, 1, False, REFUSED))),
    ("logged_as_often_as_sent", "text:this is a3 may be", replacing(UNKEYED, Answered(4, 2, False, REFUSED))),
    ("effects_are_as_told", "lost: the message 'this is a3' of p1 at 3", showing(3)),
    ("effects_are_as_told", "doubled: no acknowledged", showing(3, said("this is a3"), said("this is a3"))),
    ("effects_are_as_told", "lost: the buy of 2 grain for 44 of p1 at 1 was acknowledged and is not", showing(1)),
    ("effects_are_as_told", "the frame shows a buy of 4 grain for 88", showing(1, TRADE, TRADE)),
    ("effects_are_as_told", "the frame shows a buy of 1 grain for 22", showing(1, {**TRADE, "qty": 1})),
    ("streams_have_no_gap_and_no_repeat", "a: a gap: frame 3 after 1", replacing(FRAMES[1])),
    ("streams_have_no_gap_and_no_repeat", "a repeat: frame 1 after 1", replacing(FRAMES[1], FRAMES[0], FRAMES[1])),
    ("streams_have_no_gap_and_no_repeat", "the game is at 3", replacing(FRAMES[2])),
    ("streams_have_no_gap_and_no_repeat", "was resumed after 2", replacing(RESUMED, evolve(RESUMED, seq=2))),
    ("streams_are_resumed", "could not resume", replacing(RESUMED, evolve(RESUMED, seq=2, recovered=False))),
    ("streams_are_resumed", "taken back to 0", replacing(RESUMED, evolve(RESUMED, seq=0, recovered=False))),
    ("streams_are_resumed", "the game's epoch became other", replacing(RESUMED, evolve(RESUMED, epoch="other"))),
    ("streams_are_the_log", "", replacing(FRAMES[1], evolve(FRAMES[1], text=FRAMES[1].text.replace(b"2,", b"3,", 1)))),
    ("answers_go_forward", "a: was told seq 0 after 1", replacing(UNKEYED, evolve(UNKEYED, body={"seq": 0}))),
    ("no_stale_join", "a: knew of 1, and was shown", replacing(RESUMED, evolve(RESUMED, seq=0, recovered=False))),
    ("no_stale_join", "a: knew of 1, and was shown", replacing(RESUMED, evolve(RESUMED, shown=0))),
    ("accounts_are_the_logs", "that it never had", replacing(LOST, OTHER, LOST)),
    ("players_stay_themselves", "a: was p1, became p2", replacing(LOST, LOST, Signed("p2"))),
    ("players_stay_themselves", "a: the push 'gone' came", replacing(LOST, Odd("the push 'gone' came"))),
]


def test_a_sound_run_has_no_violation() -> None:
    assert found(sound()) == {}


@pytest.mark.parametrize(("check", "words", "plant"), PLANTED)
def test_what_is_planted_is_found_by_the_check_that_is_there_for_it(check: str, words: str, plant: Plant) -> None:
    run = sound()
    plant(run)
    assert words in found(run)[check]


def test_every_check_is_seen_to_fail_and_says_in_a_sentence_what_holds() -> None:
    assert {check.__name__ for check in CHECKS} == {check for check, _, _ in PLANTED}
    assert all(check.__doc__ is not None and check.__doc__.splitlines()[0].endswith(".") for check in CHECKS)


def test_a_store_that_was_down_may_show_an_older_state() -> None:
    run = sound()
    replacing(RESUMED, evolve(RESUMED, seq=0, recovered=False), FRAMES[0])(run)
    run.store_troubled = True
    assert found(run).keys() == {"no_stale_join"}


STALE = {"code": "stale", "message": "", "definite": True, "keys": 300}


def test_a_stale_copy_of_a_command_that_is_settled_is_no_violation() -> None:
    run = sound()
    replacing(REPLAYED, REPLAYED, Sent(9, 1), Answered(9, 1, False, STALE))(run)
    run.truth.logged["p1", "a2"] = 3
    assert found(run) == {}


@pytest.mark.parametrize("happened", [True, False])
def test_of_a_command_that_nobody_knows_of_any_more_the_log_is_believed(happened: bool) -> None:
    run = sound()
    replacing(REPLAYED, Answered(3, 1, False, STALE))(run)
    if not happened:
        del run.truth.effects["p1", "a2"]
        showing(2)(run)
        run.truth.frames[2] = frame(2).text
    assert found(run) == {}


def test_what_a_page_forgot_when_it_was_loaded_again_may_have_happened() -> None:
    run = sound()
    replacing(REPLAYED)(run)
    run.histories[0].commands[1].abandoned = True
    assert found(run) == {}


def test_a_message_without_a_key_and_without_an_answer_may_be_shown_once() -> None:
    run = sound()
    replacing(UNKEYED)(run)
    assert found(run) == {}
    showing(3, said("this is a3"), said("this is a3"))(run)
    assert found(run)["effects_are_as_told"].startswith("doubled")


@pytest.mark.parametrize(("asked_at", "stale"), [(1.9, False), (2.1, True)])
def test_a_newcomer_is_shown_what_anybody_was_told_before_it_asked(asked_at: float, stale: bool) -> None:
    run = sound()
    run.visits = [Visit("east", asked_at, 0)]
    assert bool(found(run)) == stale
    newcomer = History("b", "p2", [], [Followed(None, EPOCH, 0, False, asked_at), *FRAMES])
    run = evolve(sound(), histories=[*run.histories, newcomer])
    assert bool(found(run)) == stale


def test_an_old_answer_told_again_is_no_news() -> None:
    run = sound()
    run.visits = [Visit("east", 5.5, 1)]
    assert found(run) == {}


# The ledger of `tradegame cluster` compares the same while clients play.


def the_ledgers_count(run: Run) -> tuple[int, int, int]:
    """Checked, lost, doubled; of a history played to the ledger."""
    ledger = Ledger()
    ledger.watch("p1")
    for seq, effect in ((1, Traded("grain", "buy", 2, 44)), (2, Spoken("this is a2")), (3, Spoken("this is a3"))):
        ledger.begin("p1")
        ledger.answered("p1", Acknowledged(seq, effect))
    for seen in run.histories[0].of(FrameSeen):
        ledger.frame(seen.seq, public_events(json.loads(seen.text)["events"], seen.seq, 0))
    ledger.close(True)
    return ledger.checked, ledger.lost, ledger.doubled


def test_the_clusters_ledger_finds_nothing_in_a_sound_run() -> None:
    assert the_ledgers_count(sound()) == (3, 0, 0)


@pytest.mark.parametrize(
    ("words", "plant"), [(words, plant) for check, words, plant in PLANTED if check == "effects_are_as_told"]
)
def test_the_clusters_ledger_finds_the_same_effects(words: str, plant: Plant) -> None:
    run = sound()
    plant(run)
    _, lost, doubled = the_ledgers_count(run)
    assert (lost, doubled) == (0, 1) if "doubled" in found(run)["effects_are_as_told"] else (1, 0)
