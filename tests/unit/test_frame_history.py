"""What a node can hand out again."""

from __future__ import annotations

import pytest

from tradegame.core.domain.events import Frame, Said
from tradegame.core.use_cases.broadcast_game_state import (
    EVENTS_KEPT,
    FRAMES_KEPT,
    FRAMES_PROMISED,
    FrameHistory,
)


def history(frames: int, events: int = 1) -> FrameHistory:
    kept = FrameHistory()
    for seq in range(1, frames + 1):
        kept.append(Frame(seq, 0, (Said("p", "x"),) * events))
    return kept


def seqs(kept: FrameHistory, after: int, now: int) -> list[int] | None:
    missed = kept.since(after, now)
    return None if missed is None else [published.frame.seq for published in missed]


def test_what_was_missed_follows_without_gap_or_repeat() -> None:
    kept = history(10)
    assert seqs(kept, 7, 10) == [8, 9, 10]
    assert seqs(kept, 0, 10) == list(range(1, 11))
    assert seqs(kept, 10, 10) == []


def test_what_lies_ahead_cannot_be_had() -> None:
    assert history(10).since(11, 10) is None
    assert history(10).since(-1, 10) is None


def test_the_oldest_fall_out() -> None:
    kept = history(FRAMES_KEPT + 5)
    assert kept.since(4, FRAMES_KEPT + 5) is None
    assert seqs(kept, 5, FRAMES_KEPT + 5) == list(range(6, FRAMES_KEPT + 6))


def test_frames_of_many_events_are_kept_as_far_as_is_promised() -> None:
    kept = history(FRAMES_KEPT, EVENTS_KEPT // FRAMES_PROMISED + 1)
    assert kept.since(FRAMES_KEPT - FRAMES_PROMISED - 1, FRAMES_KEPT) is None
    assert len(seqs(kept, FRAMES_KEPT - FRAMES_PROMISED, FRAMES_KEPT) or []) == FRAMES_PROMISED


def test_a_frame_that_does_not_follow_is_a_fault() -> None:
    with pytest.raises(ValueError, match="frame 7 after 5"):
        history(5).append(Frame(7, 0, ()))
