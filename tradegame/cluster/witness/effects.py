"""What a command does that everybody can see: what its reply says of it, compared with what its frame shows.

No I/O, no clock and no state. The ledger uses it while a cluster runs, tests on histories that are complete.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Literal

from attrs import frozen

from tradegame.client import Said, Trade
from tradegame.client.vocabulary import PublicEvent

Side = Literal["buy", "sell"]
Kind = Literal["lost", "doubled"]
Finding = tuple[Kind, str]
"""What is wrong, in words."""


@frozen
class Traded:
    """``qty`` units taken from the book at once, for ``notional`` coins; None where the reply does not tell."""

    good: str
    side: Side
    qty: int
    notional: int | None = None

    def __str__(self) -> str:
        return f"{self.side} of {self.qty} {self.good}" + (f" for {self.notional}" if self.notional is not None else "")


@frozen
class Spoken:
    """``text``: unique among all messages."""

    text: str

    def __str__(self) -> str:
        return f"message {self.text!r}"


Effect = Traded | Spoken


def shown(events: Iterable[PublicEvent], players: Container[str]) -> dict[str, tuple[Effect, ...]]:
    """What each of ``players`` did in one frame. Trades of one player, good and side are summed up."""
    found: dict[str, tuple[Effect, ...]] = {}
    trades: dict[str, list[Traded]] = {}
    for event in events:
        match event:
            case Said(player=player, text=text) if player in players:
                found[player] = (*found.get(player, ()), Spoken(text))
            case Trade():
                side: Side = "buy" if event.taker == "buy" else "sell"
                taker = event.buyer if side == "buy" else event.seller
                if taker is not None and taker in players:
                    traded = Traded(event.good, side, event.qty, event.qty * event.price)
                    trades.setdefault(taker, []).append(traded)
            case _:
                pass
    for player, each in trades.items():
        found[player] = (*found.get(player, ()), *summed(each))
    return found


def summed(trades: Iterable[Traded]) -> list[Traded]:
    """One for each good and side. Its ``notional`` is None if that of any part is."""
    sums: dict[tuple[str, Side], Traded] = {}
    for traded in trades:
        before = sums.get((traded.good, traded.side), Traded(traded.good, traded.side, 0, 0))
        known = before.notional is not None and traded.notional is not None
        notional = (before.notional or 0) + (traded.notional or 0) if known else None
        sums[traded.good, traded.side] = Traded(traded.good, traded.side, before.qty + traded.qty, notional)
    return list(sums.values())


def compare(whose: str, told: Sequence[Effect], seen: Sequence[Effect]) -> tuple[int, list[Finding]]:
    """Compare all that a player was ``told`` to have done in one frame with what the frame shows.

    ``whose``: the player and the frame, for the findings. Returns how many effects match, and what does not.
    """
    rest, matched, findings = list(seen), 0, list[Finding]()
    for effect in told:
        found = next((each for each in rest if _same(effect, each)), None)
        if found is not None:
            matched += 1
        elif (found := next((each for each in rest if _alike(effect, each)), None)) is not None:
            more = isinstance(effect, Traded) and isinstance(found, Traded) and found.qty > effect.qty
            what = f"the {effect} of {whose} was acknowledged; the frame shows a {found}"
            findings.append(("doubled" if more else "lost", what))
        else:
            findings.append(("lost", f"the {effect} of {whose} was acknowledged and is not in that frame"))
            continue
        rest.remove(found)
    findings += [("doubled", f"no acknowledged command explains the {effect} of {whose}") for effect in rest]
    return matched, findings


def _same(told: Effect, seen: Effect) -> bool:
    if isinstance(told, Traded) and isinstance(seen, Traded) and told.notional is None:
        return _alike(told, seen) and told.qty == seen.qty
    return told == seen


def _alike(told: Effect, seen: Effect) -> bool:
    """Whether both may come from one command."""
    if isinstance(told, Traded) and isinstance(seen, Traded):
        return (told.good, told.side) == (seen.good, seen.side)
    return told == seen
