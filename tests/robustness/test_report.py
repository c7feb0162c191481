from __future__ import annotations

import pytest

from tests.robustness.report import lines
from tests.robustness.siege import Record
from tests.robustness.test_checks import sound


@pytest.mark.parametrize(
    ("violations", "says"),
    [([], "0 faults, **0 violations**."), (["lost"], "**1 violation**."), (["lost", "lost"], "**2 violations**.")],
)
def test_the_first_line_counts_in_good_grammar(violations: list[str], says: str) -> None:
    record = Record(7, "3.4.23", 0.0, 60.0, sound(), [], {}, 1, 3)
    assert lines(record, violations)[0].endswith(says)
