"""Two spectators and a rival attack a class whose private values last, by all that they can receive.

They keep every frame, ask every op and every path of the OpenAPI document without the admin token, and a solver draws
every conclusion from it that holds for certain. ``tests/unit/domain/test_secrets.py`` shows for the rules that nothing
else could be concluded either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import httpx
import pytest
from attrs import define, field

from tests.support.player import Player, Refused
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.controller.spec import openapi
from tradegame.protocol.bounds import RankedBy
from tradegame.protocol.requests import READS

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
LOW, HIGH = 100_000_000, 1_000_000_000
"""Values are so much larger than prices that no number made of one can be mistaken."""
UNITS, CASH = 3, 10_000
CLASS = {
    "id": "class",
    "cash": CASH,
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat", "units": UNITS, "low": LOW, "high": HIGH},
    "rounds": {"open_s": 3_600, "closed_s": 3_600, "repeat": UNITS},
    "wait_for_host": True,
}
PUPILS = ("ann", "ben", "cid", "dee")
"""After the rival, who buys, ann and cid sell, ben and dee buy."""
DEALS = (("ann", "ben", 100), ("cid", "dee", 200))
RANKED_BY = get_args(get_args(RankedBy)[0])
DOCUMENTS = ("/asyncapi.json", "/openapi.json", "/v1/presets")
"""What is the same for every game: bounds and examples."""


class Observer(Player):
    """``heard``: every frame that came, replies too."""

    def __init__(self, url: str, name: str) -> None:
        self.heard: list[dict[str, Any]] = []
        super().__init__(url, name)

    def receive(self, timeout_s: float = 10.0) -> dict[str, Any]:
        frame = super().receive(timeout_s)
        self.heard.append(frame)
        return frame

    def ask_everything(self) -> None:
        """Every op that reads; then all frames again, from the first on."""
        for op in READS:
            for fields in ({}, {"game": "class"}, {"game": "class", "good": "wheat", "depth": 100}):
                self.reply(self.send(op, **fields))
        for by in RANKED_BY:
            self.reply(self.send("standings", game="class", limit=100, by=by))
        epoch = self.ask("join", game="class", spectate=True)["epoch"]
        self.ask("join", game="class", spectate=True, after={"epoch": epoch, "seq": 0})


def over_http(server: ServerThread) -> Iterator[dict[str, Any]]:
    """Every GET that the document has, without the token and with a wrong one, as far as it answers with JSON."""
    with httpx.Client(base_url=server.http, timeout=20) as web:
        for path, methods in openapi()["paths"].items():
            if "get" not in methods or "{path}" in path or path in DOCUMENTS:
                continue
            queries = [{"limit": "100", "by": by} for by in RANKED_BY]
            for query in queries if path.endswith("standings") else [{"origin": "http://x"}]:
                answer = web.get(path.replace("{game}", "class"), params=query)
                if answer.headers["Content-Type"].startswith("application/json"):
                    yield answer.json()
        yield web.get("/v1/games/class/debrief", headers={"Authorization": "Bearer guessed"}).json()


Unknown = tuple[str, int]
"""A pupil, and which of their values; the first is the greatest."""


@define
class Solver:
    """What is certain of each value, as the least and the most that it may be."""

    pupils: dict[str, str]
    """Ids, and roles by the order of joining."""
    bounds: dict[Unknown, tuple[int, int]] = field(init=False)
    equations: list[tuple[dict[Unknown, int], int]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.bounds = {(pupil, unit): (LOW, HIGH) for pupil in self.pupils for unit in range(UNITS)}

    @property
    def found(self) -> dict[Unknown, int]:
        return {unknown: low for unknown, (low, high) in self.bounds.items() if low == high}

    def learn(self, heard: Iterable[dict[str, Any]]) -> None:
        """Conclude all that follows."""
        heard = list(heard)
        rounds, closed_at = trades(heard)
        for document in (part for each in heard for part in parts(each)):
            for told in document.get("rounds", ()) if isinstance(document.get("rounds"), list) else ():
                if not isinstance(told.get("players"), list):
                    continue  # of a report
                self._debrief(told, rounds[told["round"]])
            for row in document.get("standings", ()) if "seq" in document else ():
                played = [rounds[number] for number, seq in closed_at.items() if seq <= document["seq"]]
                self._gains(row["player"], row["score"], played)
        while any([self._narrow(terms, total) for terms, total in self.equations] + [self._descend()]):
            pass

    def _debrief(self, told: dict[str, Any], deals: list[dict[str, Any]]) -> None:
        for row in told["players"]:
            self._gains(row["player"], row["gain"], [deals])
            if self.pupils.get(row["player"]) == "seller" and row["start"] is not None:
                self.equations.append(({(row["player"], unit): 1 for unit in range(UNITS)}, row["start"] - CASH))
        if told["surplus"] is not None:
            made: dict[Unknown, int] = {}
            for pupil, role in self.pupils.items():
                made |= dict.fromkeys(self._traded(pupil, deals), 1 if role == "buyer" else -1)
            self.equations.append((made, told["surplus"]))
        for role, dealt in (("buyer", "demand"), ("seller", "supply")):
            values = told["goods"]["wheat"][dealt]
            for unknown in [each for each in self.bounds if self.pupils[each[0]] == role] if values else ():
                low, high = self.bounds[unknown]
                self.bounds[unknown] = max(low, min(values)), min(high, max(values))

    def _gains(self, pupil: str, gain: int, played: list[list[dict[str, Any]]]) -> None:
        """What somebody gained over some rounds is what the units were worth, against what was paid for them."""
        if pupil not in self.pupils:
            return
        sign = 1 if self.pupils[pupil] == "buyer" else -1
        terms: dict[Unknown, int] = {}
        for deals in played:
            gain += sign * sum(
                deal["price"] * deal["qty"] for deal in deals if pupil in (deal["buyer"], deal["seller"])
            )
            for unknown in self._traded(pupil, deals):
                terms[unknown] = terms.get(unknown, 0) + sign
        self.equations.append((terms, gain))

    def _traded(self, pupil: str, deals: list[dict[str, Any]]) -> list[Unknown]:
        """A buyer's best units, a seller's cheapest."""
        qty = sum(deal["qty"] for deal in deals if pupil in (deal["buyer"], deal["seller"]))
        units = range(qty) if self.pupils[pupil] == "buyer" else range(UNITS - qty, UNITS)
        return [(pupil, unit) for unit in units]

    def _narrow(self, terms: dict[Unknown, int], total: int) -> bool:
        narrowed = False
        for unknown, factor in terms.items():
            rest = [
                sorted((times * self.bounds[other][0], times * self.bounds[other][1]))
                for other, times in terms.items()
                if other != unknown
            ]
            least, most = total - sum(high for _, high in rest), total - sum(low for low, _ in rest)
            if factor < 0:
                least, most, factor = -most, -least, -factor
            narrowed |= self._set(unknown, -(-least // factor), most // factor)
        return narrowed

    def _descend(self) -> bool:
        narrowed = False
        for pupil in self.pupils:
            for unit in range(UNITS - 1):
                narrowed |= self._set((pupil, unit), self.bounds[pupil, unit + 1][0], HIGH)
                narrowed |= self._set((pupil, unit + 1), LOW, self.bounds[pupil, unit][1])
        return narrowed

    def _set(self, unknown: Unknown, low: int, high: int) -> bool:
        old = self.bounds[unknown]
        self.bounds[unknown] = max(old[0], low), min(old[1], high)
        assert self.bounds[unknown][0] <= self.bounds[unknown][1], "a conclusion of the solver's is wrong"
        return self.bounds[unknown] != old


def parts(told: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, but what the rival may know of themselves."""
    if isinstance(told, dict):
        yield told
        for name, each in told.items():
            if name not in ("me", "account", "own"):
                yield from parts(each)
    elif isinstance(told, list):
        for each in told:
            yield from parts(each)


def trades(heard: Iterable[dict[str, Any]]) -> tuple[dict[int, list[dict[str, Any]]], dict[int, int]]:
    """The trades of each round, by the tape, and the frame in which each round closed."""
    frames = {frame["seq"]: frame for frame in heard if frame.get("push") == "events"}
    rounds: dict[int, list[dict[str, Any]]] = {1: []}
    closed_at: dict[int, int] = {}
    for seq in sorted(frames):
        for event in frames[seq]["events"]:
            if event["type"] == "round":
                rounds.setdefault(event["round"], [])
                if event["phase"] == "closed":
                    closed_at[event["round"]] = seq
            elif event["type"] == "trade":
                rounds[max(rounds)].append(event)
    return rounds, closed_at


def numbers(told: Any) -> Iterator[int]:
    for part in parts(told):
        for each in part.values():
            for value in each if isinstance(each, list) else (each,):
                if type(value) is int:
                    yield value


def turn(server: ServerThread, what: str, game: str = "class", **body: Any) -> None:
    httpx.post(f"{server.http}/v1/games/{game}/{what}", headers=HOST, json=body or None, timeout=20).raise_for_status()


@pytest.mark.slow  # its solver is at work for some 4 s
def test_spectators_and_a_rival_learn_no_private_value_until_the_host_reveals_them() -> None:
    with ServerThread("memory:", games=[CLASS]) as server:
        early, rival = Observer(server.url, "early"), Observer(server.url, "rival")
        pupils = {name: Player(server.url, name) for name in PUPILS}
        early.ask("join", game="class", spectate=True)
        for player in (rival, *pupils.values()):
            player.ask("join", game="class")
        turn(server, "access", reports=True)
        roles = {player.id: ("seller", "buyer")[n % 2] for n, player in enumerate(pupils.values())}
        heard: list[dict[str, Any]] = []

        def attack() -> Solver:
            late = Observer(server.url, "late")
            for observer in (early, rival, late):
                observer.ask_everything()
            heard.extend(each for each in over_http(server))
            session = {"Authorization": f"Session {rival.token}"}
            heard.append(httpx.get(f"{server.http}/v1/games/class/report", headers=session, timeout=20).json())
            assert heard[-1]["player"] == rival.id
            late.close()
            rival.ask("join", game="class")
            solver = Solver(roles)
            solver.learn([*early.heard, *rival.heard, *late.heard, *heard])
            return solver

        nothing = Solver(roles).bounds
        for number in range(1, UNITS + 1):
            turn(server, "phase", phase="open")
            for seller, buyer, price in DEALS:
                asked = {"game": "class", "good": "wheat", "qty": number}
                pupils[seller].ask("order", **asked, side="ask", price=price)
                assert pupils[buyer].ask("buy", **asked)["filled"] == number
            assert attack().bounds == nothing, f"while round {number} was open"
            turn(server, "phase", phase="closed")
            solver = attack()
            assert solver.bounds == nothing, f"after round {number}: {solver.found}"
        for told in (*early.heard, *heard):
            assert [number for number in numbers(told) if LOW // 2 < number < 10**12] == [], told

        truth = {
            (player.id, unit): value
            for player in pupils.values()
            for unit, value in enumerate(player.ask("me", game="class")["values"]["wheat"])
        }
        assert len(truth) == UNITS * len(PUPILS)
        turn(server, "reveal")
        early.push(lambda push: any(event["type"] == "revealed" for event in push.get("events", ())))
        assert attack().found == truth  # so it is no fault of the solver's that it found nothing before
        for player in (early, rival, *pupils.values()):
            player.close()


@pytest.mark.parametrize("named", [True, False])
def test_who_traded_is_told_to_the_two_alone_in_an_anonymous_game(named: bool) -> None:
    pit = {"id": "pit", "goods": {"oil": {"endowment": 9}}, **({} if named else {"anonymous": True})}
    with ServerThread("memory:", games=[pit]) as server:
        watcher, ann, ben, rival = (Observer(server.url, name) for name in ("watcher", "ann", "ben", "rival"))
        watcher.ask("join", game="pit", spectate=True)
        for player in (ann, ben, rival):
            player.ask("join", game="pit")
        ann.ask("order", game="pit", good="oil", side="ask", qty=2, price=30)
        ann.ask("order", game="pit", good="oil", side="ask", qty=5, price=31)
        seq = ben.ask("buy", game="pit", good="oil", qty=3)["seq"]
        for observer in (watcher, rival):
            observer.until_seq(seq, "pit")
        shown = [event for push in watcher.frames("pit") for event in push["events"] if event["type"] == "trade"]
        assert [(trade["price"], trade["qty"], trade["taker"]) for trade in shown] == [(30, 2, "buy"), (31, 1, "buy")]
        assert {"buyer" in trade or "seller" in trade for trade in shown} == {named}
        assert ann.ask("join", game="pit")["state"]["rules"].get("anonymous", False) is not named
        fills = {}
        for player in (ann, ben, rival, watcher):
            player.ask("ping")
            fills[player] = [fill for push in player.heard if push.get("push") == "fills" for fill in push["fills"]]
        for player, side in ((ann, "ask"), (ben, "bid")):
            told = [(fill["side"], fill["price"], fill["qty"]) for fill in fills[player]]
            assert told == [(side, 30, 2), (side, 31, 1)]
            assert player.ask("fills", game="pit")["fills"] == fills[player]
        assert (fills[rival], fills[watcher]) == ([], [])
        if not named:
            rows = rival.ask("standings", game="pit")["standings"]
            assert {row["worth"] for row in rows} == {0}  # what everybody has would tell who bought
        for op in ("me", "fills", "orders"):
            with pytest.raises(Refused):
                watcher.ask(op, game="pit")
        for player in (watcher, ann, ben, rival):
            player.close()
