"""What the garbage is thrown at: a server in a process of its own, watched from outside while a player plays on it."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.robustness.wire import trusting
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN, BAZAAR
from tradegame.core.games.verify import verify_log

ANSWER_S = 5.0
"""What the player next door may wait for an answer: a server that is busy with garbage may be slower, not deaf."""
SETTLE_S = 20.0
"""How long what was left behind may take to be cleared away: no deadline of the server's is longer than 15 s."""


def grain_only() -> dict[str, Any]:
    """The bazaar, with a house that does not run out of money while somebody buys and sells all the time."""
    house = {
        **BAZAAR["goods"]["grain"]["house"],
        "size": 1_000,
        "stock": 1_000_000,
        "target": 1_000_000,
        "drift_bps": 0,
    }
    return {**BAZAAR, "cash": 1_000_000, "goods": {"grain": {"house": house}, "wood": {"endowment": 10}}}


class Watched(ServerProcess):
    """A server that is looked at from outside: what it holds, counts and logs. ``source``: from this address."""

    def __init__(self, store: str, directory: Path, *, source: str = "127.0.0.1", **options: Any) -> None:
        super().__init__(store, directory, **options)
        self._source = source
        self._judged = 0  # characters of its log

    def resident(self) -> int:
        """Bytes of memory that it has in RAM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def cpu_s(self) -> float:
        """Seconds of CPU so far, its own and the system's for it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def starved_s(self) -> float:
        """Seconds so far for which its main thread could have run, and others had the cores."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def descriptors(self) -> list[str]:
        """Its open files and sockets, as /proc names them, but for the temporary files that SQLite keeps at will."""
        found = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                found.append(os.readlink(entry))
            except FileNotFoundError:
                continue  # closed meanwhile
        return sorted(name for name in found if "/etilqs_" not in name)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.get("/metrics").decode()
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
        assert found, f"no metric {name}"
        return sum(map(float, found))

    def get(self, path: str, **headers: str) -> bytes:
        """The body of a response, which must be a 200."""
        options: dict[str, Any] = {"timeout": ANSWER_S, "source_address": (self._source, 0)}
        connection = (
            http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting(), **options)
            if self.tls
            else http.client.HTTPConnection("127.0.0.1", self.port, **options)
        )
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, (path, answer.status, body[:1_000])
        return body

    def faults(self) -> list[str]:
        """The new lines of its log that no garbage may cause: a stack trace, an error, or what is no event at all."""
        bad = []
        log, begin = self.log, self._judged
        self._judged = log.rfind("\n") + 1
        for line in log[begin : self._judged].splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                bad.append(line)
                continue
            if "exception" in event or "reference" in event or event["level"] not in ("debug", "info", "warning"):
                bad.append(line[:4_000])
        return bad

    def assert_healthy(self) -> None:
        """It serves, no stack trace is in its log, and no invariant is broken."""
        assert self.running, self.log[-4_000:]
        faults = self.faults()
        assert not faults, "\n".join(faults)
        self.get("/readyz")
        assert self.metric("tradegame_audit_violations") == 0

    def assert_log_verifies(self, directory: Path) -> None:
        """The bazaar's log, exported and replayed."""
        path = directory / "bazaar.jsonl"
        path.write_bytes(self.get("/v1/games/bazaar/log", Authorization=f"Bearer {ADMIN_TOKEN}"))
        report = verify_log(path, lambda done, total: None)
        assert report.ok, report.problem
        assert report.commands > 0


class Victim(Watched):
    """Limits as they are by default, but for the rates: a client that may ask more often does more harm.

    Everyone comes from one address here, so that may have more connections, and make more players.
    """

    def __init__(self, directory: Path, **flags: Any) -> None:
        rates = {"limits.commands_per_s": 500, "limits.burst": 1_000, "limits.connections_per_address": 10_000}
        settings = {**rates, **flags}
        store = f"embedded:{directory / 'victim.db'}"
        super().__init__(store, directory, name="victim", games=[grain_only()], flags=settings, host={"audit_s": 1.0})


def until(holds: Callable[[], bool], why: Callable[[], str], within_s: float = SETTLE_S) -> None:
    """Wait for what the server does in its own time."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, why()
        time.sleep(0.02)


class Bystander:
    """A player who trades all the while, in a thread: every answer must come in time, and be right.

    ``latencies``, in s, are those of the answers so far.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bystander")
        self._failure: BaseException | None = None
        self.latencies: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if error is None:
            self.assert_served(0)

    def assert_served(self, more: int) -> None:
        """Wait for so many more answers, each of which must come in time."""
        goal = len(self.latencies) + more
        until(lambda: self._failure is not None or len(self.latencies) >= goal, lambda: "the player waits in vain")
        if self._failure is not None:
            raise AssertionError(f"the player next door was not served: {self._failure!r}") from self._failure

    def summary(self) -> str:
        """The latencies as one line."""
        found = sorted(self.latencies)
        p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
        return f"{len(found)} answers, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, max {found[-1] * 1e3:.1f} ms"

    def _run(self) -> None:
        try:
            with Player(self._url, "bystander") as player:
                cash = self._ask(player, "join", game="bazaar")["me"]["cash"]
                while not self._stop.is_set():
                    cash = self._trade(player, cash)
                    player.pushes.clear()
                    player.raw.clear()
        except BaseException as failure:  # noqa: BLE001 - whoever asks for the answers is told
            self._failure = failure

    def _trade(self, player: Player, cash: int) -> int:
        """Buy one, and sell it again."""
        grain = {"game": "bazaar", "good": "grain", "qty": 1}
        bought = self._ask(player, "buy", **grain)
        assert bought["filled"] == 1
        cash -= bought["cost"] + bought["fee"]
        assert bought["cash"] == cash
        assert self._ask(player, "me", game="bazaar")["goods"]["grain"] == 1
        sold = self._ask(player, "sell", **grain)
        assert sold["filled"] == 1
        cash += sold["proceeds"] - sold["fee"]
        assert sold["cash"] == cash
        return int(cash)

    def _ask(self, player: Player, op: str, **fields: Any) -> dict[str, Any]:
        begun = time.monotonic()
        answer = player.ask(op, **fields)
        took = time.monotonic() - begun
        assert took < ANSWER_S, f"{op} took {took:.1f} s"
        self.latencies.append(took)
        self._stop.wait(0.02)
        return answer
