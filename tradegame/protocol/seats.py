"""What the host says of seats on a roster, and is told of them, over HTTP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tradegame.protocol.bounds import (
    SEATS,
    Flag,
    Label,
    PartLabel,
    Pattern,
    PlayerId,
    PlayerName,
    SeatNumber,
)


class NewSeat(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A seat to be: for whom it is, by a `label` of the host's. `name`: what they are called; else they say it."""

    label: Label
    name: PlayerName | None = None
    group: PartLabel = ""
    team: PartLabel = ""


class NewRoster(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Who may join: whoever has a seat, or one of the `names`; all may if there is neither. One of them must be said.

    A name may come as often as it is here; what looks like one is one. `csv`: seats and names as a table, in place of
    both. `by_number`: who enters a label gets its seat; where there are no seats, any label will do that has the
    `pattern`, which must then be there. `shared`: a label is a team's, and all who enter it play its one account; else
    the first has the seat.
    """

    names: Annotated[tuple[PlayerName, ...], Meta(max_length=SEATS)] | None = None
    seats: Annotated[tuple[NewSeat, ...], Meta(max_length=SEATS)] | None = None
    csv: str | None = None
    by_number: Flag = False
    shared: Flag = False
    pattern: Pattern = ""


class SeatView(Struct, omit_defaults=True):
    """A seat on the roster, and the `player` who has it. `barred`: its player was kicked; a new link opens it again."""

    seat: SeatNumber
    label: str
    name: str = ""
    group: str = ""
    team: str = ""
    player: PlayerId | None = None
    barred: bool = False


class SeatLink(Struct, omit_defaults=True):
    """A seat's personal link: whoever has `url` is its player. `picture`: the same as a QR code, an SVG."""

    seat: SeatNumber
    label: str
    url: str
    name: str = ""
    group: str = ""
    team: str = ""
    picture: str = ""


class SeatLinks(Struct, omit_defaults=True):
    """The personal links of a roster. `here_only`: no other machine can open them, as far as the server knows."""

    links: tuple[SeatLink, ...]
    here_only: bool = False
