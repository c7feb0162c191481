"""Who a connection is: by a token, a personal link, a number or another device's code, or somebody new."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from tradegame.core.admission.budgets import DEVICE_CODE, WRONG_TOKEN
from tradegame.core.use_cases.clients import Audience, Client, Reply
from tradegame.core.use_cases.seats import Link, SeatService
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.bounds import DEVICE_CODE_S
from tradegame.protocol.errors import BadRequestError, SeatTakenError, UnauthorizedError
from tradegame.protocol.replies import DeviceCodeMade, PlayerInfo, ServerInfo, Welcome
from tradegame.protocol.requests import DeviceCodeRequest, HelloRequest


@frozen
class ServerFacts:
    """What ``hello`` tells about the server. ``nodes``: the addresses at which it can be reached, this node's first."""

    version: str
    node: str
    heartbeat_s: int
    frame_bytes: int
    commands_per_s: int
    burst: int
    nodes: Callable[[], Sequence[str]]

    def told(self) -> ServerInfo:
        return ServerInfo(
            version=self.version,
            node=self.node,
            heartbeat_s=self.heartbeat_s,
            frame_bytes=self.frame_bytes,
            commands_per_s=self.commands_per_s,
            burst=self.burst,
            nodes=tuple(self.nodes()),
        )


@frozen
class SignInUseCase:
    seats: SeatService
    audience: Audience
    facts: ServerFacts

    def hello(self, client: Client, request: HelloRequest, reply: Reply) -> Awaitable[None]:
        if client.signed_in is not None:
            raise BadRequestError("this connection is signed in already", at="$.op")
        if request.token is None and request.code is None and request.seat is None:
            client.sign_up()
        return self._hello(client, request, reply)

    async def _hello(self, client: Client, request: HelloRequest, reply: Reply) -> None:
        try:
            signed_in = await self._sign_in(client, request)
        except (UnauthorizedError, SeatTakenError):
            client.charge(WRONG_TOKEN)
            raise
        await self.audience.make_room(signed_in.player.id)
        self.audience.welcome(client, signed_in)
        player = PlayerInfo(signed_in.player.id, signed_in.player.name)
        reply(Welcome(player, signed_in.token, self.seats.sessions.lives_s(signed_in.player), self.facts.told()))

    async def _sign_in(self, client: Client, request: HelloRequest) -> SignedIn:
        budgets, address = client.budgets, client.address
        if request.token is None and request.code is not None:
            budgets.enter(address)
            signed_in = await self.seats.sessions.redeem(request.code)
            budgets.entered(address)
            return signed_in
        if request.token is None and request.seat is not None:
            return await self.seats.by_number(request.seat, request.name, budgets, address)
        try:
            return await self.seats.sessions.sign_in(request.name, request.token, robot=request.robot)
        except UnauthorizedError:
            if request.token is None or (link := Link.of(request.token)) is None:
                raise
        return await self.seats.by_link(link, request.name)

    async def device_code(self, client: Client, request: DeviceCodeRequest, reply: Reply) -> None:
        """For the player's other device."""
        assert client.signed_in is not None
        client.take(DEVICE_CODE)
        code = await self.seats.sessions.offer(client.signed_in)
        reply(DeviceCodeMade(code, DEVICE_CODE_S))
