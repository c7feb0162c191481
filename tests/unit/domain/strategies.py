"""Any definition, any command, any step of a clock: what Hypothesis may think of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, get_args

from hypothesis import strategies as st
from msgspec import structs

from tests.support.domain import BEGIN
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    HouseDefinition,
    NewsDefinition,
    PrivateValuesDefinition,
    RoundsDefinition,
    SettlementDefinition,
    TreatmentDefinition,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.protocol.commands import Command, SeatRow
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, SellGood

PLAYERS = ["ann", "bob", "cid", "dee"]
ROBOTS = ["robot-1", "robot-2"]
GOODS = ["g0", "g1", "g2"]
"""A game has the first one, two or three of them."""


def mostly(usual: st.SearchStrategy[Any], *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What keeps a market going, and now and then what is at the edge."""
    return st.one_of(usual, usual, usual, usual, st.one_of(*others))


prices = mostly(st.integers(3, 12), st.integers(1, 60), st.sampled_from([1, 10**9]))
quantities = mostly(st.integers(1, 8), st.integers(1, 200), st.just(1_000_000))
funds = mostly(st.integers(20, 400), st.sampled_from([0, 1, 10**15]))
houses = st.builds(
    HouseDefinition,
    anchor=prices,
    spread=st.integers(1, 9),
    step=st.integers(1, 5),
    levels=st.integers(1, 7),
    size=quantities,
    stock=funds,
    cash=funds,
    target=mostly(st.integers(20, 300), st.sampled_from([1, 10**15])),
    slope=st.sampled_from([0, 1, 2, 1_000]),
    tick_s=st.sampled_from([1, 2, 7, 86_400]),
    drift_bps=st.sampled_from([0, 50, 5_000]),
)
seconds = st.sampled_from([0, 0, 1, 5, 60, 86_400])
settlements = st.builds(
    SettlementDefinition,
    values=st.lists(st.integers(0, 60), min_size=4, max_size=6, unique=True).map(tuple),
    hints_at_s=st.lists(seconds, max_size=2).map(tuple),
)
good_definitions = st.builds(
    GoodDefinition,
    endowment=funds,
    house=st.one_of(st.none(), houses),
    settlement=st.one_of(st.none(), st.none(), settlements),
    mark=st.sampled_from([None, None, "bid", "book", "last"]),
)
schedules = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=4).map(tuple), max_size=2).map(tuple)
private_values = st.builds(
    PrivateValuesDefinition,
    good=st.just("wheat"),
    units=st.integers(1, 4),
    low=st.integers(0, 9),
    high=st.integers(9, 60),
    values=schedules,
    costs=schedules,
    redraw=st.booleans(),
)
all_rounds = st.builds(
    RoundsDefinition,
    open_s=st.sampled_from([1, 5, 60, 600, 86_400, 31_536_000]),
    lobby_s=seconds,
    closed_s=seconds,
    repeat=st.sampled_from([0, 0, 1, 2, 5, 1_000_000]),
)
tax = st.one_of(st.none(), st.none(), st.integers(0, 9), st.just(10**9))
treatments = st.builds(
    TreatmentDefinition,
    from_round=st.integers(1, 4),
    to_round=st.none() | st.integers(4, 6),
    text=st.sampled_from(["", "", "A tax!"]),
    fee_bps=st.sampled_from([None, None, 0, 250, 10_000]),
    good=st.sampled_from([None, None, "g0"]),
    buyer_tax=tax,
    seller_tax=st.one_of(st.none(), st.none(), st.integers(0, 9)),
    floor=st.one_of(st.none(), st.integers(1, 6)),
    ceiling=st.one_of(st.none(), st.integers(9, 15)),
)
private_treatments = st.builds(
    TreatmentDefinition,
    from_round=st.integers(1, 3),
    to_round=st.none() | st.integers(3, 6),
    demand_shift=st.none() | st.integers(-30, 30),
    supply_shift=st.none() | st.integers(-30, 30),
    values=schedules,
    costs=schedules,
)
bps = st.one_of(st.integers(-9_999, 20_000), st.sampled_from([-9_999, 1_000_000]))


@st.composite
def definitions(draw: st.DrawFn) -> GameDefinition:
    some = dict(zip(GOODS, draw(st.lists(good_definitions, min_size=1, max_size=3)), strict=False))
    news = [
        NewsDefinition(
            at_s=draw(seconds), jitter_s=draw(seconds), text="!", good=good, anchor_bps=draw(bps) if good else 0
        )
        for good in draw(st.lists(st.one_of(st.none(), st.sampled_from(list(some))), max_size=4))
    ]
    private = draw(st.one_of(st.none(), st.none(), private_values))
    treated = draw(st.one_of(st.just([]), st.lists(treatments, max_size=3)))
    if private is not None:
        some["wheat"] = GoodDefinition()
        treated += draw(st.lists(private_treatments, max_size=2))
    definition = GameDefinition(
        id="g",
        cash=draw(funds),
        fee_bps=draw(st.sampled_from([0, 1, 30, 3_333, 10_000])),
        open_orders=draw(st.sampled_from([0, 1, 3, 50, 50, 1_000])),
        goods=some,
        rounds=draw(st.one_of(st.none(), st.none(), all_rounds)),
        news=tuple(news),
        news_a_round=draw(st.integers(0, len(news))),
        private_values=private,
        treatments=tuple(treated),
        practice=draw(st.sampled_from([False, False, True])),
        wait_for_host=draw(st.sampled_from([False, False, False, True])),
        disconnect_grace_s=draw(st.sampled_from([5, 15, 15, 3_600])),
    )
    assert problems(definition) == []
    return definition


steps = st.one_of(
    st.just(0),
    st.integers(1, 999),
    st.integers(1_000, 20_000),
    st.integers(1, 40).map(lambda days: days * 86_400_000),
    st.integers(-10_000, -1),
    st.just(-30 * 86_400_000),
)
keys = mostly(st.none(), st.sampled_from(["k1", "k2", "k3", "k4"]))
players = mostly(st.sampled_from(PLAYERS), st.sampled_from(ROBOTS))
goods = st.sampled_from(["g0"] * 8 + ["g1", "g1", "g2", "gold"])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "player": players,
    "name": st.text(st.characters(codec="utf-8"), max_size=3),
    "skeleton": st.sampled_from(["", "a", "a (2)"]),
    "team": st.sampled_from(["", "reds"]),
    "number": st.integers(0, 3),
    "account": mostly(st.just("nobody"), mostly(st.just("nobody"), players)),
    "muted": st.booleans(),
    "moved": st.booleans(),
    "paused": st.booleans(),
    "add_s": st.integers(1, 3_600),
    "message": st.integers(1, 60),
    "robot": st.sampled_from([False, False, False, True]),
    "by_robot": st.sampled_from([False, False, False, True]),
    "fill_to": st.sampled_from([0, 0, 3, 6, 200]),
    "even_sides": st.booleans(),
    "strategy": st.sampled_from([None, "zero_intelligence", "informed"]),
    "sit_in_after_s": st.sampled_from([None, 5]),
    "robots": st.sampled_from([0, 1, 2, 3, 3, 10**6]),
    "sits": st.sampled_from([True, True, False]),
    "by_itself": st.booleans(),
    "locked": st.sampled_from([None, None, False, True]),
    "chat": st.sampled_from([None, True, True, False]),
    "reports": st.sampled_from([None, True, False]),
    "names": mostly(st.just(()), st.just((("a", "a"), ("a", "a"), ("b", "b")))),
    "label": mostly(st.just(""), st.sampled_from(["No. 1", "2"])),
    "look": mostly(st.just(""), st.sampled_from(["1", "2", "3"])),
    "seats": mostly(
        st.just(()),
        st.just((SeatRow("1", "1", "a", "x"), SeatRow("2", "2", team="y"), SeatRow("1", "1"))),
        st.just((SeatRow("3", "3"),)),
    ),
    "by_number": st.booleans(),
    "shared": st.booleans(),
    "pattern": st.sampled_from(["", "#"]),
    "seat": st.integers(1, 4),
    "barred": mostly(st.just(False), st.just(True)),
    "players": st.lists(players, max_size=3).map(tuple),
    "cancel_on_disconnect": st.sampled_from([None, None, True, False]),
    "key": keys,
    "since": mostly(st.none(), st.integers(0, 400), st.just(2**63 - 1)),
    "epoch": mostly(st.none(), st.just("e"), st.just("other")),
    "good": goods,
    "qty": quantities,
    "limit": prices,
    "fill_or_kill": st.booleans(),
    "post_only": st.booleans(),
    "price": prices,
    "side": st.sampled_from(["bid", "ask"]),
    "order": st.integers(0, 60).map("o{}".format),
    "text": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=3),
    "to": st.sampled_from([*PLAYERS, "house", "nobody"]),
    "anchor_bps": bps,
    "time": st.integers(1, 40).map(lambda minutes: BEGIN + minutes * 60_000),
    "phase": st.sampled_from(["lobby", "open", "open", "open", "closed"]),
    "last": st.sampled_from([False, False, True]),
    "answers": st.lists(st.integers(0, 5), max_size=3).map(tuple),
}
"""What each field of a command may be, besides None where that is the default."""


def any_of(kind: type[Command]) -> st.SearchStrategy[Command]:
    drawn = {
        field.name: st.none() | FIELDS[field.name] if field.default is None else FIELDS[field.name]
        for field in structs.fields(kind)
        if field.name not in ("id", "game")  # the envelope's
    }
    return st.fixed_dictionaries(drawn).map(lambda fields: _made(kind, fields)).filter(bool)


def _made(kind: type[Command], fields: dict[str, Any]) -> Command | None:
    """None if they do not go together."""
    try:
        return kind(**fields)
    except ValueError:
        return None


commands = st.one_of(*map(any_of, get_args(Command)), any_of(PlaceOrder))
"""Every command; orders twice as often as others."""


def busy(rng: random.Random, count: int) -> Iterator[Command]:
    """Small trades around one price: drawn by hand, since Hypothesis likes the edges so much that few would meet."""
    for _ in range(count):
        player, good = rng.choice(PLAYERS), rng.choice(GOODS[:1] * 4 + GOODS)
        side, qty, price = rng.choice(("bid", "ask")), rng.randint(1, 6), rng.randint(4, 11)
        kind, rarely, order = rng.randrange(20), rng.random() < 0.1, f"o{rng.randrange(1, 80)}"
        if kind < 11:
            yield PlaceOrder(player=player, good=good, side=side, qty=qty, price=price, post_only=rarely)
        elif kind < 16:
            immediate = BuyGood if side == "bid" else SellGood
            yield immediate(player=player, good=good, qty=qty, limit=rng.choice((None, price)), fill_or_kill=rarely)
        elif kind < 17:
            yield CancelOrder(player=player, order=order)
        elif kind < 19 or rarely:
            changes = rng.choice(({"qty": qty}, {"price": price}, {"qty": qty, "price": price}))
            yield AmendOrder(player=player, order=order, post_only=rarely, **changes)
        elif rng.random() < 0.2:
            yield CancelAll(player=player, good=rng.choice((None, good)), side=rng.choice((None, side)))
