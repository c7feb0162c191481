"""How long clients were without an answer: from each strike to the first command sent after it that was answered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from attrs import define, field, frozen

from tests.guarantees.history import Answered, History, Sent, Stalled
from tests.robustness.strike import Strike


@define(eq=False)
class Answers:
    """One client's settled commands by when they were sent; ``soonest[n]`` is the first answer to the n-th or later."""

    sent: list[float] = field(factory=list)
    soonest: list[float] = field(factory=list)
    stalls: list[Stalled] = field(factory=list)

    @classmethod
    def of(cls, history: History) -> Answers:
        sent = {event.id: event.at for event in history.of(Sent)}
        pairs = sorted((sent[each.id], each.at) for each in history.settling if each.id in sent)
        soonest: list[float] = []
        for _, at in reversed(pairs):
            soonest.append(min(at, soonest[-1]) if soonest else at)
        return cls([at for at, _ in pairs], soonest[::-1], history.of(Stalled))

    def after(self, at: float) -> float | None:
        """The first answer to a command that was sent since then. None: none came, or the client did not read."""
        index = bisect_left(self.sent, at)
        if index == len(self.sent):
            return None
        answered = self.soonest[index]
        if any(stall.at < answered and stall.until > at for stall in self.stalls):
            return None
        return answered


@frozen
class Recovery:
    """One strike's: s from the strike to each affected client's first answer, in order; ``first``: to anyone's.

    ``put_off``: how often one of them was told to ask again until all was well.
    """

    strike: Strike
    clients: Sequence[float]
    put_off: int

    @property
    def first(self) -> float | None:
        return self.clients[0] if self.clients else None


def recoveries(histories: Sequence[History], strikes: Sequence[Strike]) -> list[Recovery]:
    """Of every strike."""
    answers = {history.name: Answers.of(history) for history in histories}
    put_off = {history.name: [each.at for each in history.of(Answered) if not each.settles] for history in histories}
    return [
        Recovery(
            strike,
            sorted(at - strike.at for name in strike.affected if (at := answers[name].after(strike.at))),
            sum(strike.at <= at <= strike.recovered_at for name in strike.affected for at in put_off[name]),
        )
        for strike in strikes
    ]


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies; of none: 0."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
