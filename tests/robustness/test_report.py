from __future__ import annotations

from pathlib import Path

import pytest

from tests.guarantees.history import FrameSeen
from tests.robustness.report import lines
from tests.robustness.siege import Record, Siege
from tests.robustness.test_checks import a_run


@pytest.mark.parametrize(
    ("violations", "says"),
    [([], "0 faults, **0 violations**."), (["lost"], "**1 violation**."), (["lost", "lost"], "**2 violations**.")],
)
def test_the_first_line_counts_in_good_grammar(violations: list[str], says: str) -> None:
    record = Record(7, "3.4.23", 0.0, 60.0, a_run(), [], {}, 1, 3)
    assert lines(record, violations)[0].endswith(says)


def test_what_a_siege_ends_with_says_little_however_much_was_seen(tmp_path: Path) -> None:
    """Its text once had every history in it, many times over: there was no memory left to say what had gone wrong."""
    siege = Siege(tmp_path, 1, 1)
    try:
        for client in siege.clients:
            client.history.events += [FrameSeen("epoch", seq, b"x" * 1_000) for seq in range(1_000)]
            client.doing = f"waits for {client.history.events[0]}"
        siege.recorder.recording.changes += ["x" * 1_000_000]
        with pytest.raises(AssertionError) as raised:
            siege._give_up("clients do not trade again")
        assert "clients do not trade again" in str(raised.value)
        assert len(str(raised.value)) < 100_000
        for each in (siege, siege.recorder, siege.visitor, siege.stage, *siege.clients, siege.clients[0].history):
            assert len(repr(each)) < 1_000
    finally:
        siege.stage.close()
