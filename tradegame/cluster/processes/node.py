"""A node of the cluster: a `tradegame serve` as a child process."""

from __future__ import annotations

from collections.abc import Sequence

from tradegame.cluster.processes.child import Child, Shared, inherited
from tradegame.cluster.processes.http import NoAnswer, ask


class Node(Child):
    """A ``tradegame serve``. ``number`` from 1."""

    def __init__(self, number: int, port: int, command: Sequence[str], shared: Shared) -> None:
        super().__init__(f"node{number}", command, inherited(), shared.log, shared.directory, shared.reaper)
        self.number = number
        self.port = port
        self._said_in = 0

    @property
    def serves(self) -> bool:
        """Whether it has printed so since its last start: an answer on its port may come from another process."""
        return self.alive and self._said_in == self.starts

    def hear(self, line: bytes) -> None:
        super().hear(line)
        if b"tradegame " in line and b" serves ws://" in line:
            self._said_in = self.starts

    async def is_ready(self) -> bool:
        """Whether it is ready now."""
        if not self.serves:
            return False
        try:
            status, _ = await ask(self.port, "/readyz", deadline_s=5.0)
        except NoAnswer:
            return False
        return status == 200

    def move(self, port: int, command: Sequence[str]) -> None:
        """Use another port at the next start. Forgets earlier failures."""
        self.port, self.command = port, list(command)
        self.ended_by_itself = 0

    @property
    def url(self) -> str:
        return node_url(self.port)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


def node_url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/ws"
