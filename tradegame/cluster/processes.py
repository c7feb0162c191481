"""The two kinds of processes that a cluster is made of, and when each of them is well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from tradegame.cluster.child import Child, inherited
from tradegame.cluster.etcd import MemberPlace, member_environment, parse_status
from tradegame.cluster.guard import Guard
from tradegame.cluster.http import NoAnswer, ask
from tradegame.cluster.log import Log


@frozen
class Shared:
    """What all child processes have in common."""

    directory: Path
    log: Log
    guard: Guard


class Node(Child):
    """A ``tradegame serve``. ``number`` from 1."""

    def __init__(self, number: int, port: int, command: Sequence[str], shared: Shared) -> None:
        super().__init__(f"node{number}", command, inherited(), shared.log, shared.directory, shared.guard)
        self.number = number
        self.port = port
        self._said_in = 0

    @property
    def serves(self) -> bool:
        """Whether it has said so itself, since it was started last: an answer on its port may be another process's."""
        return self.alive and self._said_in == self.starts

    def hear(self, line: bytes) -> None:
        super().hear(line)
        if line.startswith(b"tradegame ") and b" serves ws://" in line:
            self._said_in = self.starts

    async def is_ready(self) -> bool:
        """Whether it can serve now."""
        if not self.serves:
            return False
        try:
            status, _ = await ask(self.port, "/readyz", deadline_s=5.0)
        except NoAnswer:
            return False
        return status == 200

    def move(self, port: int, command: Sequence[str]) -> None:
        """Its next start is on another port, and the last one never was."""
        self.port, self.command = port, list(command)
        self.ended_by_itself = 0

    @property
    def url(self) -> str:
        return node_url(self.port)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


class Member(Child):
    """An etcd. ``letter`` from a."""

    def __init__(self, place: MemberPlace, command: Sequence[str], shared: Shared) -> None:
        super().__init__(place.name, command, member_environment(), shared.log, shared.directory, shared.guard)
        self.place = place
        self.letter = place.name[-1]

    @property
    def has_lost_its_data(self) -> bool:
        """Whether somebody deleted it while it was down."""
        return bool(self.starts) and not self.alive and not self.place.data.exists()

    async def is_led(self) -> bool:
        """Whether it knows a leader now."""
        try:
            status, body = await ask(self.place.client_port, "/v3/maintenance/status", deadline_s=2.0, body=b"{}")
            return status == 200 and parse_status(body).led
        except (NoAnswer, ValueError):
            return False


def node_url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/ws"
