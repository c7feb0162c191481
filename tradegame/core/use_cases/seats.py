"""Seats of a roster: which player has one, the personal link that leads to it, and how somebody takes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from attrs import define, field, frozen

from tradegame.core.admission.budgets import SIGN_UP, Budgets
from tradegame.core.domain.roster import may_sit
from tradegame.core.domain.state import GameState, RosterSeat
from tradegame.core.games.host import GameHost
from tradegame.core.games.service import GameService
from tradegame.core.repositories import PlayerRecord, Seated
from tradegame.core.use_cases.sessions import SessionService, SignedIn
from tradegame.protocol.bounds import ID_PATTERN
from tradegame.protocol.errors import BadRequestError, SeatTakenError, UnauthorizedError, UnknownGameError
from tradegame.protocol.labels import is_label, look, matches
from tradegame.protocol.requests import NumberedSeat

SECRET_LENGTH = 18
"""Of a link, in bytes: 144 bits."""

SEEN_MS = 5_000
"""By then every node knows of a connection, if it is still there."""


@frozen
class Link:
    """What a personal link says, as a token: ``s.GAME.SEAT.SECRET``. An ordinary token has no dot."""

    game: str
    seat: int
    token: str

    @classmethod
    def of(cls, token: str) -> Link | None:
        """None for any other token."""
        kind, *parts = token.split(".")
        if kind != "s" or len(parts) != 3:
            return None
        game, seat, _ = parts
        if not ID_PATTERN.match(game) or not (seat.isascii() and seat.isdecimal() and len(seat) <= 18):
            return None
        return cls(game, int(seat), token)


@define(eq=False)
class SeatService:
    """All that leads to a seat is computed from a secret of the store, the seat, and how often its link was renewed. So
    it is the same on every node and after a restart, and what an exported log tells is not enough to make a link.
    """

    games: GameService
    sessions: SessionService
    _secret: bytes = field(default=b"", init=False)

    async def by_link(self, link: Link, name: str | None) -> SignedIn:
        """The player of a link, on another device or the first. ``name``: if the roster says none.

        Raises UnauthorizedError, BadRequestError for want of a name, and StoreError.
        """
        host = await self._host(link.game)
        player = await self._player_of(host, link)
        record, signed_in = self._record(host.game.state, player, name), None
        for _ in range(2):  # the player may come and go in between
            signed_in = signed_in or await self.sessions.make(record, link.token)
            signed_in = signed_in or await self.sessions.add(player[1], link.token)
        if signed_in is None:
            raise UnauthorizedError("this seat was ended: ask the host for another link")
        try:
            await self._player_of(await self._host(link.game), link)
        except UnauthorizedError:
            raise await self._too_late(player[1]) from None
        return signed_in

    async def by_number(self, asked: NumberedSeat, name: str | None, budgets: Budgets, address: str) -> SignedIn:
        """The player of the seat with this label, who is not there yet, or whose seat is shared.

        Every wrong number is paid by its address, before anything is told. Raises UnauthorizedError, RateLimitedError,
        SeatTakenError, BadRequestError for want of a name, and StoreError.
        """
        host, secret, number = await self._host(asked.game), await self._key(), asked.number
        state = host.game.state
        budgets.enter(address)
        if not self._is_known(state, number):
            raise UnauthorizedError("no such number in this game")
        budgets.entered(address)
        seat = state.seating.get(look(number))
        if seat is None or not seat.listed:  # of those on the roster there are not many
            budgets.sign_up(address)
        else:
            budgets.address(address).charge(SIGN_UP)
        player = self._id(secret, state, look(number))
        record = self._record(state, (number, player), name)
        token = secrets.token_urlsafe(32)
        made = await self.sessions.make(record, token)
        if made is None and state.shared:
            made = await self.sessions.add(player, token)
        if made is None:
            there = await self.sessions.sessions.player(player)
            if there is not None and self._is_gone(there):
                await self.sessions.sessions.end(player)
                made = await self.sessions.make(record, token)
        if made is None:
            raise SeatTakenError(
                "somebody entered with this number before: if it was you, use your personal link or a code from the"
                " other device; else ask the host to free the seat"
            )
        if not self._is_known((await self._host(asked.game)).game.state, number):
            raise await self._too_late(player)
        return made

    async def _too_late(self, player: str) -> UnauthorizedError:
        """The seat was renewed or barred between the look at the game and the session, which it ended too early."""
        await self.sessions.sessions.end(player)
        return UnauthorizedError("the host has just given this seat another link")

    def _is_gone(self, player: PlayerRecord) -> bool:
        """They entered, joined nothing, and left, or never heard that they had entered."""
        age_ms = self.sessions.now_ms() - player.created_at
        return player.guest and age_ms >= SEEN_MS and not self.sessions.connected(player.id)

    def _is_known(self, state: GameState, number: str) -> bool:
        if not (state.by_number and is_label(number) and may_sit(state, look(number))):
            return False
        return bool(state.listed) or matches(state.pattern, number)

    async def links(self, game: str) -> list[tuple[RosterSeat, str]]:
        """The listed seats of a game, each with its token."""
        secret, state = await self._key(), self.games.present(game).game.state
        return [(seat, self._token(secret, state, seat)) for seat in state.seating.values() if seat.listed]

    async def link(self, game: str, number: int) -> tuple[RosterSeat, str] | None:
        """A seat, and its token."""
        secret, state = await self._key(), self.games.host(game).game.state
        seat = state.seating.get(state.looks.get(number, ""))
        return None if seat is None else (seat, self._token(secret, state, seat))

    async def end(self, game: str, number: int) -> None:
        """End the sessions of whoever has the seat, whatever they came by."""
        secret, state = await self._key(), self.games.host(game).game.state
        if (label := state.looks.get(number)) is not None:
            await self.sessions.sessions.end(self._id(secret, state, label))

    async def of_player(self, player: str) -> tuple[str, int] | None:
        """The game and the seat's number of a player who has one."""
        secret = await self._key()
        for host in self.games.hosts.values():
            state = host.game.state
            is_group = state.definition.group is not None  # whose seats are those of its entrance
            for label, seat in state.seating.items() if host.running and not is_group else ():
                if player == (seat.player or self._id(secret, state, label)):  # without a player: 500 at most
                    return host.id, seat.number
        return None

    async def _host(self, game: str) -> GameHost:
        """The game, as it is now."""
        try:
            host = self.games.host(game)
        except UnknownGameError:
            raise UnauthorizedError("the game of this link or number is not there") from None
        await host.catch_up()
        return host

    async def _player_of(self, host: GameHost, link: Link) -> tuple[str, str]:
        """The seat's label, and its player. Raises UnauthorizedError for a link that leads nowhere."""
        secret, state = await self._key(), host.game.state
        seat = state.seating.get(state.looks.get(link.seat, ""))
        if (
            seat is None
            or not hmac.compare_digest(self._token(secret, state, seat).encode(), link.token.encode())
            or seat.barred
            or not (seat.listed or seat.player)
        ):
            raise UnauthorizedError("this personal link is not valid any more: ask the host for another")
        return seat.label, self._id(secret, state, look(seat.label))

    def _record(self, state: GameState, player: tuple[str, str], name: str | None) -> PlayerRecord:
        label, made = player
        seat = state.seating.get(look(label))
        there = state.players.get(made)
        called = (there and there.name) or (seat and seat.name) or name
        if not called:
            raise BadRequestError("say what you want to be called", at="$.name")
        seated = Seated(state.definition.id, state.epoch, seat.label if seat else label)
        return PlayerRecord(made, called, self.sessions.now_ms(), guest=True, seat=seated)

    def _token(self, secret: bytes, state: GameState, seat: RosterSeat) -> str:
        made = _digest(secret, "link", state.definition.id, state.epoch, str(seat.number), str(seat.links))
        return f"s.{state.definition.id}.{seat.number}.{base64.urlsafe_b64encode(made[:SECRET_LENGTH]).decode()}"

    def _id(self, secret: bytes, state: GameState, label: str) -> str:
        """The id of the player who has, or will have, the seat with this look: 60 bits, from which nothing is read."""
        made = _digest(secret, "player", state.definition.id, state.epoch, label)
        return f"p-{base64.b32encode(made)[:12].decode().lower()}"

    async def _key(self) -> bytes:
        self._secret = self._secret or await self.sessions.sessions.secret()
        return self._secret


def _digest(secret: bytes, *parts: str) -> bytes:
    return hmac.digest(secret, "\0".join(parts).encode(), hashlib.sha256)
