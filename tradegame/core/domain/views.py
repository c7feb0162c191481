"""What may be shown of a game, in the classes of the protocol. Reading changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradegame.core.domain import account as accounts
from tradegame.core.domain.blotter import Blotter, unpack_fills
from tradegame.core.domain.book import ASK, BID
from tradegame.core.domain.codes import code_of
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.groups import group_ids, group_of
from tradegame.core.domain.mark import Mark
from tradegame.core.domain.private_values import are_secret, public_winners
from tradegame.core.domain.roster import entry
from tradegame.core.domain.state import BEST_LEVELS, CLOSED, GameState, Market
from tradegame.core.domain.worth import Holding, gain, holding, marks, start, worth
from tradegame.protocol.bounds import Level
from tradegame.protocol.errors import NotJoinedError, UnknownGoodError
from tradegame.protocol.rules import GoodRules, Question, RoundRules, Rules
from tradegame.protocol.state import (
    Account,
    Book,
    Fill,
    GameSummary,
    Good,
    Group,
    GroupOf,
    Hint,
    OpenOrder,
    OwnFills,
    OwnOrders,
    Player,
    Position,
    Standing,
    State,
)


def public_state(state: GameState) -> State:
    """A ``state``: five levels a side, the recent trades, the players, the last messages and news, the game's rules."""
    return State(
        title=state.definition.title,
        about=state.definition.about,
        phase=state.phase,
        round=state.round,
        ends_at=state.ends_at,
        opened_at=state.opened_at,
        rules=rules(state.definition),
        goods={name: good(market) for name, market in state.markets.items()},
        players={name: player(state, name) for name in state.players},
        messages=tuple(state.messages),
        news=tuple(state.news),
        settled=settled(state),
        locked=state.locked,
        chat=state.chat,
        paused_at=state.paused_at,
        reports=state.reports,
        treatment=state.terms.told,
        over=state.over,
        winners=public_winners(state),
        groups=groups(state.definition),
        group=its_group(state.definition),
    )


def groups(definition: GameDefinition) -> tuple[Group, ...]:
    """The games into which an entrance leads."""
    return tuple(map(Group, group_ids(definition), definition.groups))


def its_group(definition: GameDefinition) -> GroupOf | None:
    """What group a game is; None: of no entrance."""
    return None if definition.group is None else GroupOf(definition.group.of, definition.group.name)


def player(state: GameState, name: str) -> Player:
    """One of the players of a ``state``."""
    return Player(state.players[name].name, name in state.robots, name in state.seats)


def settled(state: GameState) -> dict[str, int]:
    """What goods were paid, while the round is closed."""
    return dict(state.settled) if state.phase == CLOSED else {}


def best(market: Market) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """The best five levels of bids and of asks, best first."""
    return market.book.levels(BID, BEST_LEVELS), market.book.levels(ASK, BEST_LEVELS)


def good(market: Market) -> Good:
    """One good of a ``state``. ``recent`` changes with ``volume`` alone."""
    (bids, asks), mark = best(market), market.mark
    return Good(market.last, bids, asks, market.volume, tuple(market.recent), mark.price, mark.source)


def rules(definition: GameDefinition) -> Rules:
    """What of a definition a player may know; the house's plans he may not."""
    private, rounds = definition.private_values, definition.rounds
    return Rules(
        cash=definition.cash,
        fee_bps=definition.fee_bps,
        open_orders=definition.open_orders,
        rounds=None if rounds is None else RoundRules(rounds.lobby_s, rounds.open_s, rounds.closed_s, rounds.repeat),
        goods={
            good: GoodRules(
                endowment=fields.endowment,
                house=fields.house is not None,
                private_values=private is not None and private.good == good,
                settlement=None if fields.settlement is None else fields.settlement.values,
                mark=definition.mark_of(good) if fields.settlement is None else "settled",
            )
            for good, fields in definition.goods.items()
        },
        anonymous=definition.anonymous,
        disconnect_grace_s=definition.disconnect_grace_s,
        practice=definition.practice,
        quiz=tuple(Question(question.text, question.choices) for question in definition.quiz),
        quiz_first=definition.quiz_first,
    )


def account(state: GameState, player: str) -> Account:
    """The player's ``account``. Raises NotJoinedError."""
    owned = _owned(state, player)
    fields, takes_part = state.players[player], state.takes_part(player)
    shown = Account(
        cash=owned.cash,
        held_cash=owned.held_cash,
        goods=owned.goods,
        held_goods=owned.held_goods,
        orders=_open_orders(owned),
        worth=worth(state, player),
        start=start(state, player) if takes_part else None,
        score=fields.score,
        keys=fields.ever,
    )
    shown.muted = fields.muted
    shown.cancel_on_disconnect = player in state.cancel_on_disconnect
    shown.ready, shown.right = fields.ready, fields.right
    if fields.group:
        shown.group = group_of(state, player)
    if (private := state.definition.private_values) is not None:
        shown.role = fields.role
        shown.values = {private.good: tuple(fields.values)}
    if [good for good in state.definition.goods.values() if good.settlement is not None]:
        shown.hints = tuple(Hint(hint.good, hint.value, hint.text, hint.at) for hint in fields.hints)
    if takes_part and owned.blotter is not None:
        shown.positions = positions(state, player, owned.blotter)
    return shown


def _owned(state: GameState, player: str) -> accounts.Account:
    if player not in state.players:
        raise NotJoinedError("join the game first")
    return state.accounts[player]


def _open_orders(owned: accounts.Account) -> tuple[OpenOrder, ...]:
    return tuple(
        [
            OpenOrder(f"o{number}", order.good, order.side, order.qty, order.price, order.filled)
            for number, order in owned.orders.items()
        ]
    )


def positions(state: GameState, player: str, blotter: Blotter) -> dict[str, Position]:
    """By good, in the game's order, what the player traded in this round, who takes part in it."""
    shown = {}
    for index, good in enumerate(state.markets):
        if (traded := blotter.traded.get(index)) is not None:
            bought, cost, sold, proceeds = traded.bought, traded.cost, traded.sold, traded.proceeds
            shown[good] = Position(
                bought,
                cost,
                sold,
                proceeds,
                traded.fees,
                gain(state, player, good, traded),
                cost * 100 // bought if bought else None,
                proceeds * 100 // sold if sold else None,
            )
    return shown


def told_fills(state: GameState, packed: Iterable[bytes]) -> tuple[Fill, ...]:
    """A player's fills of an entry, as they are told."""
    return unpack_fills(b"".join(packed), list(state.markets))


def fills(state: GameState, player: str, limit: int) -> OwnFills:
    """The player's last ``limit`` fills of this round. Raises NotJoinedError."""
    kept = _owned(state, player).blotter
    return OwnFills(() if kept is None else kept.last_fills(limit, list(state.markets)), state.seq)


def orders(state: GameState, player: str) -> OwnOrders:
    """The player's open orders, and the last that are done. Raises NotJoinedError."""
    owned = _owned(state, player)
    done = () if owned.blotter is None else owned.blotter.done_orders(list(state.markets))
    return OwnOrders(_open_orders(owned), done, state.seq)


def book(state: GameState, good: str, depth: int) -> Book:
    """A ``book``, ``depth`` levels a side. Raises UnknownGoodError."""
    market = state.markets.get(good)
    if market is None:
        raise UnknownGoodError(f"no good {good!r} in this game")
    return Book(good, market.book.levels(BID, depth), market.book.levels(ASK, depth), market.last, state.seq)


Placed = tuple[int, int, str, int]
"""In the standings' order: what is had, negative; the number in the order of dealing; the player; the score.

By total: the score, negative; the number in the order of joining; the player; what is had."""


def standings(state: GameState, limit: int) -> list[Standing]:
    """The richest ``limit`` of those who take part in this round. Equal worth is equal rank; who was dealt to first
    stands first.

    Where what a player has would tell a secret (see `Holding`), the worth is the score, the gains of closed rounds.
    While private values last the score would tell them: nobody is listed. See `totals` for the sum of all rounds.
    """
    if are_secret(state):
        return []
    at = marks(state)
    have = [holding(state, player) for player in state.dealt]
    all_of_them = [
        (-each.worth(at), number, player, each.score)
        for number, (player, each) in enumerate(zip(state.dealt, have, strict=True))
    ]
    return ranked(state, sorted(all_of_them)[:limit])


def totals(state: GameState, limit: int) -> list[Standing]:
    """Those ``limit`` who have gained most in all closed rounds, also if they take no part in this one."""
    if are_secret(state):
        return []
    at, found = marks(state), list[Placed]()
    for number, player in enumerate(state.players):
        found += by_total(number, player, holding(state, player), at, dealt=player in state.dealt)
    return ranked(state, sorted(found)[:limit], total=True)


def by_total(number: int, player: str, have: Holding, at: Mapping[str, Mark], *, dealt: bool) -> list[Placed]:
    """A place by total; none for who takes no part in this round, and has gained and lost nothing before."""
    return [(-have.score, number, player, have.worth(at))] if dealt or have.score else []


def ranked(state: GameState, best: Sequence[Placed], *, total: bool = False) -> list[Standing]:
    """The rows of the standings."""
    rows: list[Standing] = []
    before = 1
    for index, (negative, _, player, other) in enumerate(best):
        rank = rows[-1].rank if rows and negative == before else index + 1
        before, worth, score = negative, other if total else -negative, -negative if total else other
        if (fields := state.players.get(player)) is not None:  # else removed meanwhile
            robot, stand_in = player in state.robots, player in state.seats
            rows.append(Standing(rank, player, fields.name, worth, score, robot, stand_in))
    return rows


def debrief(state: GameState, *, host: bool = False) -> dict[str, Any]:
    """The results of the last closed rounds, oldest first: see `debrief.round_result`.

    Whatever private values that last could be computed from is left out, but for the ``host``.
    """
    secret = are_secret(state)
    return {"rounds": [result(each, secret=secret, host=host) for each in state.last_results]}


def result(kept: dict[str, Any], *, secret: bool, host: bool) -> dict[str, Any]:
    """One round of a debrief. A ``secret`` one tells all but the ``host`` only what everybody saw of its trade."""
    if not secret:
        return kept
    if host:
        return {**kept, "secret": True}
    goods = {
        good: {**fields, "equilibrium": None, "demand": [], "supply": []} for good, fields in kept["goods"].items()
    }
    figures = dict.fromkeys(("efficiency_bps", "surplus", "max_surplus"))
    return {**kept, **figures, "goods": goods, "players": [], "secret": True}


def door_of(definition: GameDefinition) -> str:
    """The game by which people come in: the entrance of a group, else the game itself."""
    return definition.id if definition.group is None else definition.group.of


def summary(state: GameState) -> GameSummary:
    """One line of the list of games."""
    return GameSummary(
        game=state.definition.id,
        title=state.definition.title,
        phase=state.phase,
        round=state.round,
        ends_at=state.ends_at,
        players=len(state.players),
        goods=tuple(state.markets),
        epoch=state.epoch,
        seq=state.seq,
        code=code_of(door_of(state.definition)),
        entry=entry(state),
        pattern=state.pattern if state.by_number else "",
        shared=state.by_number and state.shared,
        groups=groups(state.definition),
        group=its_group(state.definition),
    )
