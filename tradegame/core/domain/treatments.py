"""Treatments: what a definition changes from one round to another, such as a tax, a price ceiling, or other values.

A tax of so many coins a unit drives a wedge between what buyers pay and what sellers get, whichever side has to pay it:
in competitive markets prices move so that both bear it alike (Ruffle, "Tax and subsidy incidence equivalence theories:
experimental evidence from competitive markets", Journal of Public Economics 89, 2005). A ceiling below the equilibrium,
or a floor above it, binds: fewer units are traded, at that price; others move prices by less (Isaac and Plott, "Price
controls and the behavior of auction markets: an experimental examination", American Economic Review 71, 1981; Smith and
Williams, "On nonbinding price controls in a competitive market", ibid.).
"""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.domain.definition import GameDefinition, Schedule, TreatmentDefinition
from tradegame.protocol import rules as protocol
from tradegame.protocol.bounds import MAX_PRICE


@frozen
class GoodTerms:
    """Of one good, in coins a unit: what each side pays for what it trades, and between which prices orders are taken.

    ``floor`` is at least ``seller_tax``: no seller gets less than nothing for a unit.
    """

    buyer_tax: int = 0
    seller_tax: int = 0
    floor: int = 1
    ceiling: int = MAX_PRICE


UNTREATED = GoodTerms()


@frozen
class Terms:
    """By what a round is played that may differ from others: all of it follows from the definition and the round.

    ``values``, ``costs``: the lists that are given, each from the greatest down; values are drawn if there are none.
    The shifts are added to each of them. ``texts``: the headlines that tell of it, each with the good that it is about.
    """

    fee_bps: int
    goods: dict[str, GoodTerms]
    values: tuple[Schedule, ...] = ()
    costs: tuple[Schedule, ...] = ()
    demand_shift: int = 0
    supply_shift: int = 0
    texts: tuple[tuple[str, str | None], ...] = ()
    told: protocol.Treatment | None = field(default=None, eq=False)
    """What everybody knows of it; None: nothing differs."""


def terms_of(definition: GameDefinition, number: int) -> Terms:
    """What the round of this number is played by. Of two treatments that set one thing, the later in the list holds."""
    held = [each for each in definition.treatments if holds(each, number)]
    private = definition.private_values
    fee_bps = _last([each.fee_bps for each in held], definition.fee_bps)
    goods = {good: _good(good, held) for good in definition.goods}
    known = None if fee_bps == definition.fee_bps else fee_bps
    told = {good: _told(terms) for good, terms in goods.items() if terms != UNTREATED}
    return Terms(
        fee_bps,
        goods,
        _sorted(
            next((each.values for each in reversed(held) if each.values), () if private is None else private.values)
        ),
        _sorted(next((each.costs for each in reversed(held) if each.costs), () if private is None else private.costs)),
        _last([each.demand_shift for each in held], 0),
        _last([each.supply_shift for each in held], 0),
        tuple((each.text, each.good) for each in held if each.text),
        protocol.Treatment(known, told) if known is not None or told else None,
    )


def holds(treatment: TreatmentDefinition, number: int) -> bool:
    """Whether it is in force in the round of this number."""
    return treatment.from_round <= number and (treatment.to_round is None or number <= treatment.to_round)


def changes(definition: GameDefinition) -> list[int]:
    """The numbers of the rounds in which something becomes different, in order, and nothing is between two of them."""
    first = {each.from_round for each in definition.treatments}
    after = {each.to_round + 1 for each in definition.treatments if each.to_round is not None}
    return sorted(first | after)


def _good(good: str, held: list[TreatmentDefinition]) -> GoodTerms:
    mine = [each for each in held if each.good in (None, good)]
    if not mine:
        return UNTREATED
    seller_tax = _last([each.seller_tax for each in mine], 0)
    floor = max(_last([each.floor for each in mine], 1), seller_tax)
    ceiling = _last([each.ceiling for each in mine], MAX_PRICE)
    return GoodTerms(_last([each.buyer_tax for each in mine], 0), seller_tax, floor, ceiling)


def _sorted(lists: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    """Once a round, and not once a player: of 10 000 it would take 30 ms."""
    return tuple([tuple(sorted(each, reverse=True)) for each in lists])


def _last(said: list[int | None], default: int) -> int:
    return next((each for each in reversed(said) if each is not None), default)


def _told(terms: GoodTerms) -> protocol.GoodTerms:
    floor = terms.floor if terms.floor > 1 else None
    ceiling = terms.ceiling if terms.ceiling < MAX_PRICE else None
    return protocol.GoodTerms(terms.buyer_tax, terms.seller_tax, floor, ceiling)
