"""Readmits a member that has lost its data: removes it from the cluster and adds it again, as docs/OPERATIONS.md says.

Restarted as it was, it would be refused ("has already been bootstrapped"): it promised the others to remember its
votes, and cannot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import trio

from tradegame.cluster.processes.etcd import MemberPlace
from tradegame.cluster.processes.http import NoAnswer, ask

DEADLINE_S = 15.0
"""etcd refuses changes of membership while any member was away within the last 5 s."""
ASK_DEADLINE_S = 5.0
AGAIN_S = 0.5


class NotReadmitted(Exception):  # noqa: N818 - it names what happened
    """The message says why."""


async def readmit(place: MemberPlace, others: Sequence[MemberPlace]) -> None:
    """Let ``place`` start without data as a member of the cluster of ``others``. Raises NotReadmitted."""
    why = ""
    with trio.move_on_after(DEADLINE_S):
        while True:
            for other in others:
                try:
                    return await _readmit(place.peer_url, other.client_port)
                except (NoAnswer, NotReadmitted) as error:
                    why = str(error)
            await trio.sleep(AGAIN_S)
    raise NotReadmitted(why)


async def _readmit(peer_url: str, port: int) -> None:
    known = (await _call(port, "list")).get("members", [])
    for member in known:
        if peer_url in member.get("peerURLs", []):
            await _call(port, "remove", ID=member["ID"])
    await _call(port, "add", peerURLs=[peer_url])


async def _call(port: int, what: str, **fields: Any) -> dict[str, Any]:
    status, body = await ask(
        port, f"/v3/cluster/member/{what}", deadline_s=ASK_DEADLINE_S, body=json.dumps(fields).encode()
    )
    try:
        answer = json.loads(body)
    except ValueError:
        raise NoAnswer(f"port {port}: not an answer from etcd") from None
    if status != 200:
        raise NotReadmitted(str(answer.get("error", status)))
    return dict(answer)
