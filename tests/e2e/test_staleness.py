"""A node that was stopped, or lost the store, says so, shows nobody the past, and does nothing late."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdRefusedError, EtcdServer
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import BAZAAR, ServerThread
from tradegame.core.repositories.connections import LEASE_S

DEADLINE_S = 20.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def url(etcd: EtcdServer) -> str:
    return fresh_etcd_url(etcd)


@pytest.fixture
def nodes(url: str, stack: ExitStack, tmp_path: Path) -> tuple[ServerProcess, ServerProcess]:
    east, west = (
        stack.enter_context(ServerProcess(url, tmp_path, name=name, games=[BAZAAR])) for name in ("east", "west")
    )
    return east, west


def until(holds: Callable[[], bool], within_s: float = DEADLINE_S) -> float:
    """Wait until it holds; how long that took, in s."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within_s, f"not within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def unready(node: ServerProcess | ServerThread) -> str | None:
    """Why it says that it is not ready; None: it is."""
    answer = httpx.get(f"{node.http}/readyz", timeout=5)
    return None if answer.status_code == 200 else answer.text.strip()


def said(player: Player) -> list[str]:
    """Every message in the game, as a newcomer is told."""
    return [message["text"] for message in player.ask("join", game="bazaar")["state"]["messages"]]


def pairs(etcd: EtcdServer, url: str, under: str) -> list[dict[str, str]]:
    """What etcd holds under a prefix of that store."""
    start = f"{url.rsplit('/', 1)[1]}/{under}"
    asked = {"key": encoded(start), "range_end": encoded(start[:-1] + chr(ord(start[-1]) + 1))}
    found: list[dict[str, str]] = etcd.ask("kv/range", **asked).get("kvs", [])
    return found


def fill(etcd: EtcdServer) -> None:
    """Until it takes no more. Raises EtcdRefusedError."""
    for number in range(100):
        etcd.ask("kv/put", key=encoded(f"junk/{number}"), value=encoded("x" * 100_000))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def events_logged(node: ServerProcess, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


@pytest.mark.slow
def test_a_node_that_was_stopped_for_longer_than_its_lease_does_nothing_late_and_shows_nothing_old(
    nodes: tuple[ServerProcess, ServerProcess], stack: ExitStack
) -> None:
    east, west = nodes
    ann, bob = stack.enter_context(Player(east.url, "ann")), stack.enter_context(Player(west.url, "bob"))
    joined = ann.ask("join", game="bazaar")
    ann.until_seq(ann.ask("say", game="bazaar", text="before", key="k0")["seq"])
    bob.ask("join", game="bazaar")
    tabs = [stack.enter_context(Player(east.url, token=ann.token)) for _ in range(6)]
    east.pause()
    # What she asks now lies in the node's sockets, and so long that she has asked elsewhere meanwhile.
    for tab in tabs:
        tab.send("say", game="bazaar", text="without a key")
    ann.send("say", game="bazaar", text="with a key", key="k1")
    moved = stack.enter_context(Player(west.url, token=ann.token))
    seen = max(frame["seq"] for frame in ann.frames())
    assert moved.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen})["recovered"]
    first = moved.ask("say", game="bazaar", text="with a key", key="k1")
    assert "replayed" not in first
    stopped_at = time.monotonic()
    while time.monotonic() - stopped_at < LEASE_S + 1:
        last = bob.ask("say", game="bazaar", text="meanwhile")["seq"]
        time.sleep(0.5)

    east.resume()
    back = stack.enter_context(Player(east.url, token=ann.token))
    again = back.ask("join", game="bazaar")
    assert again["seq"] >= last  # nothing that was acknowledged before is missing
    assert ann.closed() == (1001, "this node stood still")
    assert max(frame["seq"] for frame in ann.frames()) < last  # she was shown no old frames as live
    until(lambda: unready(east) is None)
    assert back.ask("say", game="bazaar", text="with a key", key="k1") == {**first, "replayed": True}
    back.ask("say", game="bazaar", text="after")
    texts = [text for text in said(bob) if text != "meanwhile"]
    assert texts == ["before", "with a key", "after"]
    assert len(events_logged(east, "process_stood_still")) == 1
    assert len(events_logged(east, "node_lease_lost")) <= 1
    assert not events_logged(west, "process_stood_still")


@pytest.mark.slow
def test_a_node_that_goes_on_after_a_stop_is_not_ready_before_it_is_up_to_date(
    nodes: tuple[ServerProcess, ServerProcess], stack: ExitStack
) -> None:
    east, west = nodes
    ann, bob = stack.enter_context(Player(east.url, "ann")), stack.enter_context(Player(west.url, "bob"))
    ann.ask("join", game="bazaar")
    bob.ask("join", game="bazaar")
    for _ in range(2):
        east.pause()
        time.sleep(LEASE_S + 1)
        last = bob.ask("say", game="bazaar", text="meanwhile")["seq"]
        east.resume()
        # The first who is let in, whoever that is and however soon, is shown the present.
        until(lambda: unready(east) is None)
        with Player(east.url, "newcomer") as newcomer:
            assert newcomer.ask("join", game="bazaar", spectate=True)["seq"] >= last
            newcomer.ask("join", game="bazaar")
            newcomer.ask("say", game="bazaar", text="here I am")


@pytest.mark.slow
def test_the_lease_that_was_lost_in_a_stop_is_taken_again_and_the_others_see_who_is_there(
    nodes: tuple[ServerProcess, ServerProcess], stack: ExitStack
) -> None:
    east, west = nodes
    bob = stack.enter_context(Player(west.url, "bob"))
    bob.ask("join", game="bazaar")
    east.pause()
    time.sleep(LEASE_S + 2)
    east.resume()
    ann = stack.enter_context(Player(east.url, "ann"))
    ann.ask("join", game="bazaar")
    bob.push(lambda push: push["push"] == "presence" and ann.id in push["online"])


def test_a_lease_that_was_revoked_is_taken_again_with_everything_on_it(
    etcd: EtcdServer, url: str, stack: ExitStack
) -> None:
    logs = stack.enter_context(capture_logs())
    east, west = (stack.enter_context(ServerThread(url)) for _ in range(2))
    node = east.running.node
    bob = stack.enter_context(Player(west.url, "bob"))
    bob.ask("join", game="bazaar")
    ann = stack.enter_context(Player(east.url, "ann"))
    ann.ask("join", game="bazaar")
    bob.push(lambda push: push["push"] == "presence" and ann.id in push["online"])
    for _ in range(3):
        (key,) = pairs(etcd, url, f"nodes/{node}")
        lost = key["lease"]
        etcd.ask("lease/revoke", ID=lost)
        until(lambda: [key["lease"] for key in pairs(etcd, url, f"nodes/{node}")] not in ([], [lost]))  # noqa: B023
        until(lambda: len(pairs(etcd, url, f"connections/{node}/")) == 1)
    assert unready(east) is None
    assert ann.ask("say", game="bazaar", text="still here")["seq"]
    until(lambda: [line["node"] for line in logs if line["event"] == "node_lease_retaken"] == [node] * 3)


@pytest.mark.slow
def test_a_short_stop_sends_nobody_away(nodes: tuple[ServerProcess, ServerProcess], stack: ExitStack) -> None:
    east, _ = nodes
    ann = stack.enter_context(Player(east.url, "ann"))
    ann.ask("join", game="bazaar")
    east.pause()
    asked = ann.send("say", game="bazaar", text="patience")
    time.sleep(2)
    east.resume()
    assert "ok" in ann.reply(asked)
    assert not events_logged(east, "process_stood_still")


@pytest.mark.slow
def test_a_full_store_refuses_commands_and_nothing_else_and_is_used_again_once_it_has_room(
    stack: ExitStack, tmp_path: Path
) -> None:
    etcd = stack.enter_context(EtcdServer(["--quota-backend-bytes=4000000"]))
    node = stack.enter_context(ServerProcess(etcd.url, tmp_path, games=[BAZAAR]))
    ann = stack.enter_context(Player(node.url, "ann"))
    ann.ask("join", game="bazaar")
    ann.ask("say", game="bazaar", text="before")
    with pytest.raises(EtcdRefusedError, match="space exceeded"):
        fill(etcd)
    for _ in range(3):  # for longer than the lease: it must be kept, though nothing can be written
        refused = ann.refused("say", game="bazaar", text="refused")
        assert (refused["code"], refused["definite"]) == ("overloaded", True)
        with Player(node.url, token=ann.token) as again:
            assert [message["text"] for message in again.ask("join", game="bazaar")["state"]["messages"]] == ["before"]
        time.sleep(LEASE_S / 2)
    until(lambda: "the store is full" in (unready(node) or ""))
    deleted = etcd.ask("kv/deleterange", key=encoded("junk/"), range_end=encoded("junk0"))
    etcd.ask("kv/compaction", revision=deleted["header"]["revision"], physical=True)
    etcd.ask("maintenance/defragment")
    for alarm in etcd.ask("maintenance/alarm", action="GET")["alarms"]:
        etcd.ask("maintenance/alarm", action="DEACTIVATE", **alarm)
    until(lambda: unready(node) is None)
    ann.ask("say", game="bazaar", text="after")
    assert said(ann) == ["before", "after"]
    assert not events_logged(node, "node_lease_lost")
    assert len(events_logged(node, "store_full")) == 1


@pytest.mark.slow
def test_a_node_under_which_an_older_store_was_put_ends_and_begins_anew_with_what_there_is(
    stack: ExitStack, tmp_path: Path
) -> None:
    etcd = stack.enter_context(EtcdServer())
    node = stack.enter_context(ServerProcess(etcd.url, tmp_path, games=[BAZAAR]))
    ann = stack.enter_context(Player(node.url, "ann"))
    joined = ann.ask("join", game="bazaar")
    ann.ask("say", game="bazaar", text="in the backup")
    etcd.stop()
    backup = etcd.save(tmp_path / "backup")
    etcd.start()
    until(lambda: unready(node) is None)
    seen = 0
    for number in range(20):
        seen = ann.ask("say", game="bazaar", text=f"lost {number}")["seq"]
    etcd.stop()
    etcd.restore(backup)
    etcd.start()
    assert ann.closed()[0] == 1001
    until(lambda: not node.running)
    assert events_logged(node, "etcd_went_back")
    node.kill()
    node.start()
    with Player(node.url, token=ann.token) as back:
        again = back.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen})
        assert not again["recovered"]
        assert [message["text"] for message in again["state"]["messages"]] == ["in the backup"]
        back.ask("say", game="bazaar", text="goes on")
