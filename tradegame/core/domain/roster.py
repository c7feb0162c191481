"""Who may have an account, by the host's roster: names, and seats with labels. Only the host sees labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from tradegame.core.domain.naming import NamingService
from tradegame.core.domain.state import Effects, GameState, RosterSeat
from tradegame.protocol.bounds import EntryKind
from tradegame.protocol.commands import Join, RenewSeat, SeatRow, SetRoster
from tradegame.protocol.errors import NotAdmittedError, UnknownPlayerError
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent


@frozen
class RosterService:
    """A seat is known by the look of its label, and has a number, which is never another's. Whoever has it keeps both,
    and the seat, though a later roster does not list it. A group has the seats of those whom the entrance sent there.
    """

    state: GameState
    naming: NamingService

    def set_roster(self, command: SetRoster, effects: Effects) -> Sent:
        """Those who have an account keep it, whatever their name. A seat that is listed again is the same."""
        state = self.state
        state.roster = {}
        state.by_number, state.shared, state.pattern = command.by_number, command.shared, command.pattern
        for name, look in command.names:
            state.roster.setdefault(look, []).append(name)
        for seat in state.seating.values():
            seat.listed = False
        for row in command.seats:
            self._add(row).listed = True
        state.listed = len([seat for seat in state.seating.values() if seat.listed])
        for look, seat in list(state.seating.items()):
            if not (seat.listed or seat.player):
                del state.seating[look], state.looks[seat.number]
        return Sent(seq=0)

    def renew(self, command: RenewSeat, effects: Effects) -> Sent:
        look = self.state.looks.get(command.seat)
        if look is None:
            raise UnknownPlayerError(f"no seat {command.seat} in this game")
        seat = self.state.seating[look]
        seat.links += 1
        seat.barred = command.barred
        return Sent(seq=0)

    def admit(self, join: Join) -> None:
        """Raises NotAdmittedError for whoever the roster does not let in."""
        state, look = self.state, join.skeleton or join.name
        if join.look and may_sit(state, join.look):
            return
        if state.roster:
            if join.robot or self.naming.alike(look) >= len(state.roster.get(look, ())):  # a robot is called otherwise
                raise NotAdmittedError(why("name_not_listed"))
        elif (kind := entry(state)) != "open":
            raise NotAdmittedError(why("enter_by_number" if kind == "number" else "enter_by_link"))

    def sit(self, join: Join) -> None:
        """Who was let in has the seat from now on."""
        group = self.state.definition.group
        if join.look and group is not None:
            self._add(SeatRow(join.label, join.look, "", group.name, join.team)).player = join.player
        elif join.look and may_sit(self.state, join.look):
            seat = self.state.seating.get(join.look) or self._add(SeatRow(join.label, join.look))
            seat.player = join.player

    def _add(self, row: SeatRow) -> RosterSeat:
        """The seat of this label, as the row has it."""
        state, known = self.state, self.state.seating.get(row.look)
        told = RosterSeat(row.label, row.name, row.group, row.team)
        if known is None:
            state.seated += 1
            seat = evolve(told, number=state.seated)
        else:
            seat = evolve(told, number=known.number, links=known.links, barred=known.barred, player=known.player)
        state.seating[row.look] = seat
        state.looks[seat.number] = row.look
        return seat


def absent(state: GameState, came: Iterable[str]) -> Iterator[RosterSeat]:
    """Those whom the roster expects, and who have no account. A name without a seat is one without a label.

    ``came``: the skeletons of all who ever had one.
    """
    yield from (seat for seat in state.seating.values() if seat.listed and not seat.player)
    alike = Counter(came)
    for look, names in state.roster.items():
        yield from (RosterSeat("", name) for name in names[alike[look] :])


def entry(state: GameState) -> EntryKind:
    """How new players come in, besides those whose names are listed."""
    if state.by_number:
        return "number"
    return "link" if state.listed and not state.roster else "open"


def may_sit(state: GameState, look: str) -> bool:
    """Whether a label leads to a seat: a listed one, or where none are listed a new one, if numbers count."""
    seat = state.seating.get(look)
    if seat is not None and (seat.barred or seat.listed):
        return not seat.barred
    return state.by_number and not state.listed
