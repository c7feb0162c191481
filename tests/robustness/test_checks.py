"""The checks find what they are for: small histories, made up, each with one thing wrong."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from attrs import evolve

from tests.robustness.checks import CHECKS, violations
from tests.robustness.history import (
    AccountSeen,
    Answered,
    Command,
    Followed,
    FrameSeen,
    History,
    Lost,
    Odd,
    Sent,
    Signed,
    fingerprint,
)
from tests.robustness.run import Run
from tests.robustness.truth import Effect, Truth

EPOCH = "k3v9"
BUY = {"op": "buy", "good": "grain", "qty": 2}
SAY = {"op": "say", "text": "this is a2"}
BOUGHT = {"filled": 2, "cost": 44, "fee": 0, "cash": 56, "seq": 1}
TRADE = {"type": "trade", "good": "grain", "price": 22, "qty": 2, "buyer": "p1", "seller": "house", "taker": "buy"}
ACCOUNT = {"cash": 56, "goods": {"grain": 2}}


def frame(seq: int, *events: dict[str, Any]) -> FrameSeen:
    text = {"push": "events", "game": "g", "epoch": EPOCH, "seq": seq, "at": seq, "events": events}
    return FrameSeen(EPOCH, seq, json.dumps(text).encode())


def said(text: str) -> dict[str, Any]:
    return {"type": "said", "player": "p1", "text": text}


FRAMES = (frame(1, TRADE), frame(2, said("this is a2")), frame(3, said("this is a3")))


def sound() -> Run:
    """A client that buys, is cut off before it hears that its message was said, comes back and says it again."""
    history = History(
        "a",
        "p1",
        [Command("a1", BUY), Command("a2", SAY), Command(None, {"op": "say", "text": "this is a3"})],
        [
            Signed("p1"),
            Followed(None, EPOCH, 0, False),
            Sent(1, 0),
            Answered(1, 0, True, BOUGHT),
            FRAMES[0],
            AccountSeen(1, fingerprint(json.dumps(ACCOUNT))),
            Sent(2, 1),
            Lost(None, 1),
            Signed("p1"),
            Followed(1, EPOCH, 1, True),
            FRAMES[1],
            Sent(3, 1),
            Answered(3, 1, True, {"seq": 2, "replayed": True}),
            Sent(4, 2),
            Answered(4, 2, True, {"seq": 3}),
            FRAMES[2],
        ],
        ACCOUNT,
    )
    truth = Truth(
        epoch=EPOCH,
        seq=3,
        effects={("p1", "a1"): [Effect(True, BOUGHT)], ("p1", "a2"): [Effect(True, {"seq": 2})]},
        logged=Counter({("p1", "join"): 1, ("p1", "a1"): 1, ("p1", "a2"): 2}),
        said=Counter({"this is a2": 1, "this is a3": 1}),
        frames={seen.seq: seen.text for seen in FRAMES},
        accounts={("p1", 1): {fingerprint(json.dumps(ACCOUNT))}},
        final={"p1": ACCOUNT},
    )
    return Run([history], truth, frames_kept=10)


def found(run: Run) -> dict[str, str]:
    """The checks that speak up, and what each says first."""
    told: dict[str, str] = {}
    for violation in violations(run):
        name, _, words = violation.partition(": ")
        told.setdefault(name, words)
    return told


def replace(run: Run, old: Any, *new: Any) -> None:
    """Put other events in the place of one."""
    events = run.histories[0].events
    at = events.index(old)
    events[at : at + 1] = new


def test_a_sound_run_has_no_violation() -> None:
    assert found(sound()) == {}


def test_a_lost_acknowledgement_is_found() -> None:
    run = sound()
    del run.truth.effects["p1", "a1"]
    assert "is not in the log" in found(run)["acknowledged_is_there"]


def test_a_result_that_differs_from_the_logs_is_found() -> None:
    run = sound()
    run.truth.effects["p1", "a1"] = [Effect(True, {**BOUGHT, "cost": 45})]
    assert "the log says" in found(run)["acknowledged_is_there"]


def test_a_second_effect_is_found() -> None:
    run = sound()
    run.truth.effects["p1", "a2"].append(Effect(True, {"seq": 3}, newer=run.truth.effects["p1", "a2"][0].newer + 301))
    twice = "a: a2 {'op': 'say', 'text': 'this is a2'} took effect 2 times, the second time 300 newer keys later"
    assert found(run) == {"sent_again_has_one_effect": twice}


def test_a_message_without_a_key_that_is_said_twice_is_found() -> None:
    run = sound()
    run.truth.said["this is a3"] = 2
    assert found(run).keys() == {"acknowledged_is_there", "sent_again_has_one_effect"}


def test_a_command_that_is_never_answered_is_found() -> None:
    run = sound()
    replace(run, Answered(3, 1, True, {"seq": 2, "replayed": True}))
    assert found(run)["sent_again_has_one_effect"].endswith("was never answered")


def test_an_answer_that_says_nothing_definite_settles_nothing() -> None:
    run = sound()
    unknown = {"code": "unavailable", "message": "", "definite": False}
    replace(run, Answered(3, 1, True, {"seq": 2, "replayed": True}), Answered(3, 1, False, unknown))
    assert found(run)["sent_again_has_one_effect"].endswith("was never answered")


def test_two_first_answers_to_one_command_are_found() -> None:
    run = sound()
    replace(run, Sent(4, 2), Answered(9, 0, True, BOUGHT), Sent(4, 2))
    assert "as if for the first time" in found(run)["one_first_answer"]


def test_a_command_that_was_appended_more_often_than_sent_is_found() -> None:
    run = sound()
    run.truth.logged["p1", "a1"] = 2
    assert found(run) == {"appended_as_often_as_sent": "a: a1 was sent 1 times, and is in the log 2 times"}


def test_a_command_that_nobody_sent_is_found() -> None:
    run = sound()
    run.truth.logged["p1", "zz"] = 1
    assert found(run).keys() == {"appended_as_often_as_sent"}


def test_a_gap_is_found() -> None:
    run = sound()
    replace(run, FRAMES[1])
    assert found(run)["streams_have_no_gap_and_no_repeat"] == "a: a gap: frame 3 after frame 1"


def test_a_repeat_is_found() -> None:
    run = sound()
    replace(run, FRAMES[1], FRAMES[0], FRAMES[1])
    assert found(run) == {"streams_have_no_gap_and_no_repeat": "a: a repeat: frame 1 after frame 1"}


def test_a_stream_that_ends_early_is_found() -> None:
    run = sound()
    replace(run, FRAMES[2])
    assert "the game is at 3" in found(run)["streams_have_no_gap_and_no_repeat"]


def test_being_taken_up_at_another_place_is_found() -> None:
    run = sound()
    replace(run, Followed(1, EPOCH, 1, True), Followed(1, EPOCH, 2, True))
    assert "was taken up after 2" in found(run)["streams_have_no_gap_and_no_repeat"]


def test_a_stream_that_could_not_be_resumed_is_found() -> None:
    run = sound()
    replace(run, Followed(1, EPOCH, 1, True), Followed(1, EPOCH, 2, False))
    replace(run, FRAMES[1])
    assert "could not resume" in found(run)["streams_are_resumed"]


def test_a_client_that_is_taken_back_is_found_unless_the_store_itself_was_down() -> None:
    run = sound()
    replace(run, Followed(1, EPOCH, 1, True), Followed(1, EPOCH, 0, False), FRAMES[0])
    assert found(run) == {"streams_are_resumed": "a: was at frame 1, and was taken back to 0"}
    run.store_troubled = True
    assert found(run) == {}


def test_another_life_of_the_game_is_found() -> None:
    run = sound()
    replace(run, Followed(1, EPOCH, 1, True), Followed(1, "other", 1, True))
    assert "epoch" in found(run)["streams_are_resumed"]


def test_a_frame_that_differs_in_one_byte_is_found() -> None:
    run = sound()
    replace(run, FRAMES[1], evolve(FRAMES[1], text=FRAMES[1].text.replace(b'"at": 2', b'"at": 3')))
    assert found(run).keys() == {"streams_are_the_log"}


def test_a_frame_that_was_taken_back_is_found() -> None:
    run = sound()
    del run.truth.frames[3]
    assert "which the log does not know" in found(run)["streams_are_the_log"]


@pytest.mark.parametrize(("events", "times"), [((), 0), ((said("this is a3"), said("this is a3")), 2)])
def test_a_message_that_is_shown_not_once_is_found(events: tuple[dict[str, Any], ...], times: int) -> None:
    run = sound()
    replace(run, FRAMES[2], frame(3, *events))
    assert found(run)["messages_are_seen_once"] == f"a: 'this is a3' was shown {times} times"


@pytest.mark.parametrize("events", [(), (TRADE, TRADE), ({**TRADE, "qty": 1},)])
def test_trades_that_differ_from_what_was_told_are_found(events: tuple[dict[str, Any], ...]) -> None:
    run = sound()
    replace(run, FRAMES[0], frame(1, *events))
    assert "answers tell of 2" in found(run)["trades_are_those_acknowledged"]


def test_a_seq_that_goes_back_is_found() -> None:
    run = sound()
    replace(run, Answered(4, 2, True, {"seq": 3}), Answered(4, 2, True, {"seq": 0}))
    assert found(run)["answers_go_forward"] == "a: was told seq 0 after 1"


def test_an_account_that_never_was_is_found() -> None:
    run = sound()
    other = {**ACCOUNT, "cash": 12}
    replace(run, *[AccountSeen(1, fingerprint(json.dumps(each))) for each in (ACCOUNT, other)])
    assert "that it never had" in found(run)["accounts_are_the_logs"]


def test_an_account_that_is_another_at_the_end_is_found() -> None:
    run = sound()
    run.histories[0].account = {**ACCOUNT, "cash": 12}
    assert found(run).keys() == {"accounts_are_the_logs"}


def test_a_player_who_became_another_is_found() -> None:
    run = sound()
    replace(run, Lost(None, 1), Lost(None, 1), Signed("p2"))
    assert found(run) == {"players_stay_themselves": "a: was p1, became p2"}


def test_what_must_not_come_is_found() -> None:
    run = sound()
    replace(run, Lost(None, 1), Odd("the push 'gone' came"))
    assert found(run) == {"players_stay_themselves": "a: the push 'gone' came"}


def test_what_is_wrong_with_the_log_is_found() -> None:
    run = sound()
    run.truth.problems.append("at the end: cash sums to 1, not 0")
    assert found(run).keys() == {"the_log_is_sound"}


def test_every_check_says_in_a_sentence_what_holds() -> None:
    assert all(check.__doc__ is not None and check.__doc__.splitlines()[0].endswith(".") for check in CHECKS)
