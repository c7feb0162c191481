"""A run: all that the checks look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define

from tests.robustness.history import Answered, History, Visit
from tests.robustness.strike import Strike
from tests.robustness.truth import Truth


@define(repr=False)
class Run:
    """``frames_kept``: so far back a client must be able to resume. ``store_troubled``: the store itself was down.

    ``visits`` and ``strikes`` are a siege's; a campaign has none.
    """

    histories: Sequence[History]
    truth: Truth
    frames_kept: int
    store_troubled: bool = False
    visits: Sequence[Visit] = ()
    strikes: Sequence[Strike] = ()


Check = Callable[[Run], Iterator[str]]
"""Yields what breaks a guarantee, in words."""


def settling(history: History) -> list[Answered]:
    """Those answers that say what became of a command."""
    return [answered for answered in history.of(Answered) if answered.settles]
