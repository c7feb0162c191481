"""What a node can hand out again."""

from __future__ import annotations

import pytest

from tradegame.core.domain.events import Frame
from tradegame.core.games.history import FRAMES_KEPT, HISTORY_BYTES, FrameHistory
from tradegame.protocol.pushes import Said


def history(frames: int, events: int = 1, text: str = "x") -> FrameHistory:
    kept = FrameHistory()
    for seq in range(1, frames + 1):
        kept.append(Frame(seq, 0, (Said("p", text),) * events))
    return kept


def seqs(kept: FrameHistory, after: int, now: int) -> list[int]:
    assert kept.leads_from(after, now)
    frames = [kept.frame(seq) for seq in range(after + 1, now + 1)]
    return [frame.seq for frame in frames if frame is not None]


def test_what_was_missed_follows_without_gap_or_repeat() -> None:
    kept = history(10)
    assert seqs(kept, 7, 10) == [8, 9, 10]
    assert seqs(kept, 0, 10) == list(range(1, 11))
    assert seqs(kept, 10, 10) == []


def test_what_lies_ahead_cannot_be_had() -> None:
    kept = history(10)
    assert not kept.leads_from(11, 10)
    assert not kept.leads_from(-1, 10)
    assert kept.frame(11) is None
    assert FrameHistory().frame(0) is None


def test_the_oldest_fall_out() -> None:
    kept = history(FRAMES_KEPT + 5)
    assert not kept.leads_from(4, FRAMES_KEPT + 5)
    assert kept.frame(5) is None
    assert seqs(kept, 5, FRAMES_KEPT + 5) == list(range(6, FRAMES_KEPT + 6))


@pytest.mark.parametrize("events", [1, 100])
def test_frames_of_any_size_are_kept_as_far_as_their_bytes_allow(events: int) -> None:
    kept = history(2 * HISTORY_BYTES // (events * 2_250), events, "🦊" * 500)
    newest = 2 * HISTORY_BYTES // (events * 2_250)
    assert kept.weight <= HISTORY_BYTES
    assert not kept.leads_from(0, newest)
    assert kept.leads_from(newest - 10, newest)


def test_a_thousand_frames_of_ordinary_size_are_kept() -> None:
    kept = history(1_500, 20, "y" * 100)
    assert kept.leads_from(500, 1_500)


def test_a_frame_that_does_not_follow_is_a_fault() -> None:
    with pytest.raises(ValueError, match="frame 7 after 5"):
        history(5).append(Frame(7, 0, ()))


def test_what_a_resume_sends_again_is_known_in_bytes() -> None:
    kept = history(20, text="x" * 400)
    about = kept.bytes_after(10)
    assert about > 0
    assert kept.bytes_after(0) == 2 * about
    for seq in range(1, 21):
        frame = kept.frame(seq)
        assert frame is not None
        frame.wire = b"w" * seq
    assert kept.bytes_after(17) == 18 + 19 + 20
    assert kept.bytes_after(20) == FrameHistory().bytes_after(0) == 0
