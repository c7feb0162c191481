"""The host's calls about personal links: all of a game, with QR codes to print, and a new one for somebody."""

from __future__ import annotations

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.bodies import answer, flag, game_id, key_of, number_of
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.invitations import Invitations
from tradegame.core.domain.state import RosterSeat
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.protocol.errors import UnknownPlayerError
from tradegame.protocol.seats import SeatLink, SeatLinks

FRAGMENT = "seat"
"""What stands before a link's token, in the fragment of its URL: a browser sends that to no server, so that it comes
into no log and no ``Referer``."""


@frozen
class Links:
    administer: AdministerUseCase
    host_token: HostToken
    invitations: Invitations

    async def all_of_them(self, request: Request) -> Response:
        """With ``?pictures=true`` it takes some 10 ms a seat. Raises UnknownGameError and UnavailableError."""
        self.host_token.require(request)
        pictures, invitation = flag(request, "pictures"), self.invitations.invitation(request)
        links = [
            await self._link(seat, f"{invitation.url}#{FRAGMENT}={token}", drawn=pictures)
            for seat, token in await self.administer.seats.links(game_id(request))
        ]
        return _private(answer(SeatLinks(tuple(links), invitation.here_only)))

    async def renew(self, request: Request) -> Response:
        """Raises UnknownPlayerError."""
        self.host_token.require(request)
        game, number, invitation = game_id(request), number_of(request, "seat"), self.invitations.invitation(request)
        if number is None:
            raise UnknownPlayerError("no such seat in this game")
        await self.administer.renew_seat(game, number, key_of(request))
        made = await self.administer.seats.link(game, number)
        if made is None:
            raise UnknownPlayerError("the seat is not there any more")
        seat, token = made
        return _private(answer(await self._link(seat, f"{invitation.url}#{FRAGMENT}={token}", drawn=True)))

    async def _link(self, seat: RosterSeat, url: str, *, drawn: bool) -> SeatLink:
        picture = (await self.invitations.draw(url)).decode() if drawn else ""
        return SeatLink(seat.number, seat.label, url, seat.name, seat.group, seat.team, picture)


def _private(response: Response) -> Response:
    """No cache may keep it."""
    response.headers["Cache-Control"] = "no-store"
    return response
