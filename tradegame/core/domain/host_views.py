"""What only the host may see of a game, in the classes of the protocol. Reading changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tradegame.core.domain.groups import group_of
from tradegame.core.domain.state import OPEN, GameState, RosterSeat
from tradegame.protocol.http import Coming, ComingNews, RemovedRow, Robots, Roster, RosterRow
from tradegame.protocol.seats import SeatView


def coming(state: GameState) -> Coming:
    """The scheduled news that are left in the open round: for the host alone."""
    left = state.news_coming if state.phase == OPEN else ()
    listed = ((at, state.definition.news[number]) for at, number in left)
    return Coming(tuple(ComingNews(at, news.text, news.good, news.anchor_bps) for at, news in listed))


def roster(state: GameState) -> Roster:
    """For the host: who may join; `roster_rows` has who has."""
    names = tuple(name for names in state.roster.values() for name in names)
    removed = tuple(RemovedRow(player, name) for player, name in state.removed.items())
    seats = tuple(
        SeatView(seat.number, seat.label, seat.name, seat.group, seat.team, seat.player or None, seat.barred)
        for seat in state.seating.values()
        if seat.listed
    )
    return Roster(
        locked=state.locked,
        chat=state.chat,
        names=names,
        seats=seats,
        by_number=state.by_number,
        shared=state.shared,
        pattern=state.pattern,
        removed=removed,
        players=(),
    )


def roster_rows(
    state: GameState,
    players: Iterable[str],
    seats: Mapping[str, RosterSeat],
    refusals: Mapping[str, int] = MappingProxyType({}),
) -> list[RosterRow]:
    """Those of these players who have an account. ``seats`` and ``refusals``: by player."""
    known = [(player, fields) for player in players if (fields := state.players.get(player)) is not None]
    return [
        RosterRow(
            player,
            fields.name,
            state.takes_part(player),
            fields.muted,
            player in state.robots,
            player in state.seats,
            seats[player].number if player in seats else None,
            seats[player].label if player in seats else "",
            fields.ready,
            fields.right,
            traded(state, player),
            refusals.get(player, 0),
            group_of(state, player),
        )
        for player, fields in known
    ]


def traded(state: GameState, player: str) -> bool:
    """Whether the player has traded in this round."""
    blotter = state.accounts[player].blotter
    return state.takes_part(player) and blotter is not None and bool(blotter.traded)


def robots(*states: GameState) -> Robots:
    """For the host: how robots fill up the game, or all groups of one, as the first was told."""
    plan = states[0].plan
    return Robots(
        plan.fill_to,
        plan.even_sides,
        plan.strategy,
        plan.sit_in_after_s,
        sum(state.plan.wanted for state in states),
        tuple(robot for state in states for robot in state.robots),
        tuple(player for state in states for player in state.seats),
    )
