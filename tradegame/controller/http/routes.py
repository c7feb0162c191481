"""The HTTP side: health, metrics, games, and the host's calls. Starlette routes over the same use cases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, BinaryIO

import msgspec
import trio
from attrs import evolve, frozen
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tradegame.controller.access import Access
from tradegame.controller.http import documents, pages, workers
from tradegame.controller.http.bodies import answer, game_id, json_object, key_of, parameter
from tradegame.controller.http.downloads import Downloads
from tradegame.controller.http.errors import error_response
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.invitations import CODES, Invitations
from tradegame.controller.http.links import Links
from tradegame.controller.http.paying import Till
from tradegame.controller.http.people import People
from tradegame.controller.http.pieces import InPieces
from tradegame.controller.http.reports import PlayerReports
from tradegame.controller.http.rounds import Rounds
from tradegame.core.admission.budgets import Budgets
from tradegame.core.domain import views
from tradegame.core.domain.definition import GameDefinition, to_json
from tradegame.core.faults import answer_to
from tradegame.core.games.service import GameService
from tradegame.core.repositories import GameStateRepository
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.core.use_cases.sessions import SessionService
from tradegame.protocol.errors import (
    BadRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RateLimitedError,
)
from tradegame.protocol.http import Done, Preset, Presets, Unready, Vitals
from tradegame.protocol.state import Games

_json = msgspec.json.Encoder().encode

Handler = Callable[[Request], Awaitable[Response]]


@frozen
class HttpServices:
    """What the routes need. ``ready`` says why not, or None; ``parse_definition`` raises BadRequestError."""

    games: GameService
    repository: GameStateRepository
    administer: AdministerUseCase
    ready: Callable[[], Unready | None]
    metrics: Callable[[], Awaitable[bytes]]
    parse_definition: Callable[[Mapping[str, Any]], GameDefinition]
    presets: Callable[[], Mapping[str, Mapping[str, Any]]]
    vitals: Callable[[Unready | None], Awaitable[Vitals]]
    budgets: Budgets
    host_token: HostToken
    access: Access
    elsewhere: Callable[[], str]
    """The server's URL for other machines, if it knows one."""
    prefix: str
    backup: Callable[[], Awaitable[BinaryIO]] | None
    """A copy of the store in a file without a name. None: the store is not a file."""
    sessions: SessionService


def build_app(services: HttpServices) -> Starlette:
    """The ASGI application."""
    under_way = trio.Semaphore(workers.TABLES_AT_ONCE)
    downloads = Downloads(services.games, services.repository, services.host_token, services.backup, under_way)
    till = Till(lambda: services.budgets, lambda: services.host_token)
    invitations = Invitations(services.games, services.elsewhere, services.prefix, till.pay_more)
    reports = PlayerReports(
        services.games,
        services.repository,
        services.sessions,
        services.host_token,
        invitations,
        till.pay_more,
        under_way,
    )
    people = People(services.games, services.administer, services.host_token)
    links = Links(services.administer, services.host_token, invitations)
    rounds = Rounds(services.games, services.administer, services.host_token)
    routes = _Routes(services, _presets(services, host=False), _presets(services, host=True))
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/", pages.play),
        ("GET", "/watch/{game}", pages.watch),
        ("GET", "/host", pages.host),
        ("GET", "/report/{game}", pages.report),
        ("GET", CODES, pages.play),
        ("GET", "/tradegame.js", pages.client),
        ("GET", "/tradegame.d.ts", pages.client),
        ("GET", "/favicon.ico", pages.favicon),
        ("GET", "/static/{path:path}", pages.static),
        ("GET", "/asyncapi.json", documents.document),
        ("GET", "/openapi.json", documents.document),
        ("GET", "/healthz", routes.alive),
        ("GET", "/readyz", routes.ready),
        ("GET", "/metrics", routes.metrics),
        ("GET", "/v1/games", routes.list_games),
        ("GET", "/v1/games/{game}", routes.game),
        ("GET", "/v1/games/{game}/standings", routes.standings),
        ("GET", "/v1/games/{game}/debrief", routes.debrief),
        ("GET", "/v1/games/{game}/log", downloads.log),
        ("GET", "/v1/games/{game}/tables", downloads.tables),
        ("GET", "/v1/games/{game}/report", reports.own),
        ("GET", "/v1/games/{game}/reports.csv", reports.links),
        ("GET", "/v1/games/{game}/invitation", invitations.text),
        ("GET", "/v1/games/{game}/invitation.svg", invitations.picture),
        ("GET", "/v1/presets", routes.presets),
        ("GET", "/v1/health", routes.vitals),
        ("GET", "/v1/reach", routes.reach),
        ("GET", "/v1/admin", routes.admin),
        ("GET", "/v1/backup", downloads.backup),
        ("POST", "/v1/games", routes.create),
        ("DELETE", "/v1/games/{game}", routes.delete),
        ("POST", "/v1/games/{game}/phase", rounds.phase),
        ("POST", "/v1/games/{game}/pause", rounds.pause),
        ("POST", "/v1/games/{game}/time", rounds.add_time),
        ("GET", "/v1/games/{game}/definition", rounds.definition),
        ("GET", "/v1/games/{game}/news", rounds.coming),
        ("POST", "/v1/games/{game}/news", rounds.news),
        ("POST", "/v1/games/{game}/access", people.access),
        ("GET", "/v1/games/{game}/roster", people.roster),
        ("POST", "/v1/games/{game}/roster", people.set_roster),
        ("GET", "/v1/games/{game}/links", links.all_of_them),
        ("POST", "/v1/games/{game}/seats/{seat}/link", links.renew),
        ("DELETE", "/v1/games/{game}/players/{player}", people.remove),
        ("POST", "/v1/games/{game}/players/{player}/message", people.tell),
        ("POST", "/v1/games/{game}/players/{player}/group", people.set_group),
        ("POST", "/v1/games/{game}/players/{player}/mute", people.mute),
        ("POST", "/v1/games/{game}/players/{player}/readmit", people.readmit),
        ("POST", "/v1/games/{game}/players/{player}/robot", people.sit_in),
        ("GET", "/v1/games/{game}/robots", people.robots),
        ("POST", "/v1/games/{game}/robots", people.set_robots),
        ("DELETE", "/v1/games/{game}/messages/{message}", people.unsay),
        ("POST", "/v1/games/{game}/reveal", rounds.reveal),
        ("DELETE", "/v1/players/{player}", routes.kick),
    ]
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in table:
        by_path.setdefault(path, {})[method] = handler
    app = Starlette(
        routes=[Route(path, _Endpoint(handlers, till, path)) for path, handlers in by_path.items()],
        exception_handlers={HTTPException: _Endpoint({}, till, "").nowhere},
    )
    app.router.redirect_slashes = False
    return app


@frozen
class _Endpoint:
    """An ASGI app: the handler by method, with every error answered in the protocol's form.

    Whatever the method is called, it comes here: the answer to a wrong one has that form too.
    """

    handlers: Mapping[str, Handler]
    till: Till
    path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self.handlers.get("GET" if request.method == "HEAD" else request.method)
        try:
            await self.till.pay(request, self.path)
            if handler is None:
                return self._not_allowed()
            return self.till.charge(request, await handler(request))
        except Exception as fault:  # noqa: BLE001 - the request's edge: whatever it is, there is an answer
            return error_response(answer_to(fault, "request_failed", path=request.url.path))

    async def nowhere(self, request: Request, error: Exception) -> Response:
        """No such path."""
        try:
            await self.till.pay(request, self.path)
        except RateLimitedError as limited:
            return error_response(limited)
        return pages.mistyped(request) or error_response(NotFoundError("no such path"))

    def _not_allowed(self) -> Response:
        allowed = ", ".join([*self.handlers, *(["HEAD"] if "GET" in self.handlers else [])])
        response = error_response(MethodNotAllowedError(f"only {allowed} here"))
        response.headers["Allow"] = allowed
        return response


def _presets(services: HttpServices, *, host: bool) -> bytes:
    """Each with every default filled in: what makes a form of it need not know them. Takes 4 ms.

    The news that may come are told to the ``host`` alone.
    """
    found = {name: services.parse_definition(table) for name, table in services.presets().items()}
    if not host:
        found = {name: evolve(preset, news=(), news_a_round=0) for name, preset in found.items()}
    listed = tuple(Preset(name, preset.title, preset.about, to_json(preset)) for name, preset in found.items())
    return _json(Presets(listed))


@frozen
class _Routes:
    services: HttpServices
    listed_presets: bytes
    whole_presets: bytes

    async def alive(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(self, request: Request) -> Response:
        """A game that is not served makes no node unready: the others are, and another node may serve that one."""
        unready = self.services.ready()
        unserved = "".join(f"not served: {game}\n" for game in self.services.games.unserved())
        return PlainTextResponse(f"{unready[1] if unready else 'ready'}\n{unserved}", 503 if unready else 200)

    async def metrics(self, request: Request) -> Response:
        return Response(await self.services.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def list_games(self, request: Request) -> Response:
        hosts = sorted(self.services.games.hosts.items())
        return answer(Games(tuple(views.summary(host.game.state) for _, host in hosts if host.running)))

    async def game(self, request: Request) -> Response:
        state = self._present(request).game.state
        head = {"game": state.definition.id, "epoch": state.epoch, "seq": state.seq}
        fields = self._present(request).shown.fields(state)
        return InPieces((_json(head)[:-1] + b",", *fields, b"}"))

    async def standings(self, request: Request) -> Response:
        limit = parameter(request, "limit", "10")
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and 1 <= int(limit) <= 100):
            raise BadRequestError("expected 1 to 100", at="limit")
        if (by := parameter(request, "by", "round")) not in ("round", "total"):
            raise BadRequestError("expected round or total", at="by")
        host, standings = self.services.host_token.is_right(request), self._present(request).standings
        return answer(standings.shown(await standings.ranked(total=by == "total"), int(limit), host=host))

    async def debrief(self, request: Request) -> Response:
        whole = self.services.host_token.is_right(request)
        game = self._present(request)
        debrief = await game.results.debrief(game.game.state, host=whole)
        return InPieces(debrief.pieces)

    async def presets(self, request: Request) -> Response:
        host = self.services.host_token.is_right(request)
        return Response(self.whole_presets if host else self.listed_presets, media_type="application/json")

    async def vitals(self, request: Request) -> Response:
        return answer(await self.services.vitals(self.services.ready()))

    async def reach(self, request: Request) -> Response:
        """Whether a page of ``origin`` may open a WebSocket, as far as this request tells."""
        origin = parameter(request, "origin", request.headers.get("origin"))
        address = request.client.host if request.client else ""
        return answer(self.services.access.reach(address, request.headers.get("host", ""), origin))

    async def admin(self, request: Request) -> Response:
        """Whether the token is the right one."""
        self.services.host_token.require(request)
        return answer(Done())

    async def create(self, request: Request) -> Response:
        self.services.host_token.require(request)
        definition = self.services.parse_definition(await json_object(request))
        return answer(await self.services.administer.create(definition, key_of(request)), 201)

    async def delete(self, request: Request) -> Response:
        self.services.host_token.require(request)
        await self.services.administer.delete(game_id(request), key_of(request))
        return answer(Done())

    async def kick(self, request: Request) -> Response:
        self.services.host_token.require(request)
        await self.services.administer.kick(request.path_params["player"])
        return answer(Done())

    def _present(self, request: Request) -> Any:
        return self.services.games.present(game_id(request))
