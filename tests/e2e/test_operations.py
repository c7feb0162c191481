"""docs/OPERATIONS.md against the code: its tables name what there is, and its procedures work as they are written."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdCluster, EtcdServer, EtcdStartError, etcd_binary, steadfast_etcd_binary
from tests.support.player import Player
from tests.support.process import REPOSITORY, ServerProcess
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.infra.config import Settings

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
DEADLINE_S = 60.0
TEXT = (REPOSITORY / "docs" / "OPERATIONS.md").read_text()


def section(title: str) -> str:
    """A chapter of the page, from its heading to the next one."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(text: str) -> dict[str, str]:
    """The names in backquotes that begin a table's rows, with the second column."""
    return dict(re.findall(r"^\| `([a-z_]+)` \| (\w+)", text, re.MULTILINE))


def shell(title: str, holding: str) -> str:
    """The block of commands in that chapter which holds these words."""
    blocks = re.findall(r"```sh\n(.*?)```", re.sub(r"(?m)^ {3}", "", section(title)), re.DOTALL)
    found = [block for block in blocks if holding in block]
    assert len(found) == 1, f"{len(found)} blocks of {title} with {holding!r}"
    return str(found[0])


def in_time(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def is_ready(server: ServerProcess | ServerThread) -> bool:
    try:
        return httpx.get(f"{server.http}/readyz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def tradegame(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "tradegame", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=DEADLINE_S, cwd=cwd, env=environment
    )


def verified(server: ServerProcess | ServerThread, tmp_path: Path, game: str = "bazaar") -> str:
    """What ``tradegame verify`` says of the game's export."""
    log = tmp_path / "export.log"
    log.write_bytes(
        httpx.get(f"{server.http}/v1/games/{game}/log", headers=HOST, timeout=30).raise_for_status().content
    )
    result = tradegame("verify", str(log))
    return f"{result.returncode} {result.stdout}{result.stderr}"


# -- the tables ----------------------------------------------------------------------------------------------


def test_every_metric_is_in_the_table_with_its_type_and_nothing_else_is() -> None:
    with ServerThread("memory:") as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        answer = httpx.get(f"{server.http}/metrics").text
    told = dict(re.findall(r"^# TYPE (\S+) (\w+)$", answer, re.MULTILINE))
    assert first_column(section("9. Every metric")) == told


def test_the_alerts_name_metrics_that_there_are() -> None:
    chapter = section("9. Every metric")
    rules = re.findall(r"```yaml\n(.*?)```", chapter, re.DOTALL)[0]
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"\b(?:tradegame|process)_[a-z_]+", rules)}
    assert len(named) > 10
    assert named <= first_column(chapter).keys()


def test_every_warning_and_error_is_in_the_table_and_nothing_else_is() -> None:
    events: dict[str, str] = {}
    for file in sorted((REPOSITORY / "tradegame").rglob("*.py")):
        if file.parts[len(REPOSITORY.parts) + 1] not in ("client", "cluster"):  # programs of their own
            for event, level in _events(ast.parse(file.read_text())):
                assert events.setdefault(event, level) == level, f"{event} is logged at two levels"
    assert first_column(section("10. Every warning and error in the log")) == events


def _events(tree: ast.AST) -> Iterator[tuple[str, str]]:
    levels = {"warning": "warning", "error": "error", "exception": "error", "log_fault": "error", "answer_to": "error"}
    levels["Trouble"] = "warning"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = [each.value for each in node.args if isinstance(each, ast.Constant) and type(each.value) is str]
            mild = any(keyword.arg == "mild" for keyword in node.keywords)
            if called in levels and words and not mild:
                yield words[0], levels[called]


def test_the_settings_that_are_named_exist() -> None:
    sections = {each.name: each.type for each in attrs.fields(attrs.resolve_types(Settings))}
    named = set(re.findall(r"`(server|store|limits|session|admin|log)\.([a-z_]+)`", TEXT))
    assert len(named) > 12
    for part, name in sorted(named):
        assert name in {each.name for each in attrs.fields(sections[part])}, f"{part}.{name}"


def test_connections_are_counted_by_the_code_that_closed_them() -> None:
    with ServerThread("memory:", flags={"limits.max_connections": 1}) as server:
        with Player(server.url):
            with Player(server.url, hello=False) as second:
                assert second.closed()[0] == 4003
        with Player(server.url) as rude:
            rude.socket.close(code=4321)

        def counted() -> set[str]:
            return set(re.findall(r'closed_total\{code="(\w+)"\}', httpx.get(f"{server.http}/metrics").text))

        in_time(lambda: counted() == {"1000", "4003", "other"}, "not counted")


# -- the procedures ------------------------------------------------------------------------------------------


def etcdctl(etcd: EtcdServer, *arguments: str) -> str:
    command = [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"ETCDCTL_API": "3"}).stdout


def test_the_log_of_a_game_that_stopped_can_be_had_and_verify_names_the_line(etcd: EtcdServer, tmp_path: Path) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url) as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        future = {"schema": 1, "at": 1, "commands": [{"op": "lend", "player": ann.id, "key": None}]}
        etcdctl(etcd, "put", f"{url.rsplit('/', 1)[1]}/games/bazaar/log/00000001/future.1-1", json.dumps(future))
        in_time(lambda: 'game_serving{game="bazaar"} 0.0' in httpx.get(f"{server.http}/metrics").text, "it goes on")
        assert re.search(r"(?s)^1 .*line \d+: .*'lend'", verified(server, tmp_path))
        assert httpx.get(f"{server.http}/v1/games/nosuch/log", headers=HOST).status_code == 404


@pytest.mark.slow
def test_a_role_on_the_prefix_is_all_that_a_node_needs(tmp_path: Path) -> None:
    with EtcdServer() as etcd:
        for line in shell("4. TLS, passwords, proxies", "role add").splitlines():
            arguments = line.removeprefix("etcdctl --endpoints=$ETCD ").split()
            assert arguments != line.split(), f"an unexpected command: {line}"
            etcdctl(etcd, *arguments)
        flags = {"store.user": "tradegame", "store.password": "NODES-PASSWORD"}
        with ServerThread(f"{etcd.url}/tradegame", flags=flags) as server, Player(server.url) as ann:
            ann.ask("join", game="bazaar")
            ann.ask("buy", game="bazaar", good="grain", qty=1)
            assert is_ready(server)
            role = ("--user=root:ROOTS-PASSWORD", "role")
            etcdctl(etcd, *role, "revoke-permission", "tradegame", "tradegame/", "--prefix=true")
            in_time(lambda: not is_ready(server), "ready without its right")
            etcdctl(etcd, *role, "grant-permission", "tradegame", "--prefix=true", "readwrite", "tradegame/")
            in_time(lambda: is_ready(server), "not ready with its right")


@pytest.mark.slow
def test_a_full_etcd_is_repaired_while_nodes_run(tmp_path: Path) -> None:
    with EtcdServer(["--quota-backend-bytes=16777216"]) as etcd:
        with ServerThread(f"{etcd.url}/tradegame") as server, Player(server.url) as ann:
            ann.ask("join", game="bazaar")
            _fill(etcd, tmp_path)
            assert "NOSPACE" in etcdctl(etcd, "alarm", "list")
            in_time(lambda: not is_ready(server), "ready though nothing can be written")
            error = ann.refused("say", game="bazaar", text="hello?", key="k")
            assert (error["code"], error["definite"]) == ("overloaded", True)
            status = json.loads(etcdctl(etcd, "endpoint", "status", "-w", "json"))
            etcdctl(etcd, "compact", str(max(each["Status"]["header"]["revision"] for each in status)))
            etcdctl(etcd, "defrag")
            etcdctl(etcd, "alarm", "disarm")
            in_time(lambda: is_ready(server), "not ready, though repaired")
            assert ann.ask("say", game="bazaar", text="hello?", key="k")
            assert verified(server, tmp_path).startswith("0 ")


@pytest.mark.slow
def test_a_member_whose_data_is_lost_is_let_in_anew_while_a_node_serves(tmp_path: Path) -> None:
    with EtcdCluster(3, binary=steadfast_etcd_binary()) as etcd:
        a, b, c = etcd.members
        commands = shell("3. etcd", "member remove").split("\n", 1)[1]  # the first line is systemd's
        names = {
            "a:2379,b:2379": f"{a.endpoint},{b.endpoint}",
            "$ETCD": ",".join(etcd.endpoints),
            "', c, '": f"', {c.name}, '",
            "add c ": f"add {c.name} ",
            "http://10.0.0.3:2380": c.peer_url,
            "etcdctl": shutil.which(f"{c.binary}ctl") or f"{etcd_binary()}ctl",  # Debian has it in a package of its own
        }
        for name, ours in names.items():
            assert name in commands
            commands = commands.replace(name, ours)
        lines = commands.splitlines()
        (adds,) = (number for number, line in enumerate(lines) if "member add" in line)

        def run(*some: str) -> bool:
            return subprocess.run(["bash", "-euc", "\n".join(some)], env={"ETCDCTL_API": "3"}).returncode == 0

        with ServerThread(f"{etcd.url}/tradegame") as server, Player(server.url) as ann:
            ann.ask("join", game="bazaar")
            c.kill()
            c.lose_data()
            with pytest.raises(EtcdStartError, match="has already been bootstrapped"):
                c.start()
            in_time(lambda: is_ready(server), "not ready with two")
            assert run(*lines[:adds])
            in_time(lambda: run(lines[adds]), "not let in")
            c.start_as_a_new_member()
            assert run(*lines[adds + 2 :])
            in_time(lambda: len({each.ask("maintenance/status")["raftIndex"] for each in etcd.members}) == 1, "behind")
            a.kill()  # so the new one is needed
            in_time(lambda: etcd.leader() in (b, c) and is_ready(server), "not ready with the new member")
            assert ann.ask("say", game="bazaar", text="hello?", key="k")
            assert verified(server, tmp_path).startswith("0 ")


def _fill(etcd: EtcdServer, tmp_path: Path) -> None:
    """One key, written again and again: what a compaction frees."""
    command = [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, "put", "junk"]
    value = tmp_path / "value"
    value.write_text("x" * 1_000_000)
    for _ in range(40):
        with value.open() as text:
            if subprocess.run(
                command, stdin=text, capture_output=True, check=False, env={"ETCDCTL_API": "3"}
            ).returncode:
                return
    raise AssertionError("etcd is never full")


@pytest.mark.slow
def test_what_stops_the_start_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("no database" * 100)
    tries: list[tuple[str, dict[str, Any], str]] = [
        ("etcd://127.0.0.1:1/x", {}, "failed to connect to all addresses"),
        ("embedded:nowhere/x.db", {}, "there is no folder nowhere"),
        ("embedded:nonsense", {}, "file is not a database"),
        ("memory:", {"TRADEGAME_SERVER__TLS_CERT": "a.pem", "TRADEGAME_SERVER__TLS_KEY": "b.pem"}, "a.pem and b.pem"),
        ("memory:", {"TRADEGAME_SERVER__PORT": "x"}, "server.port"),
    ]
    with EtcdServer() as etcd:
        etcdctl(etcd, "user", "add", "root:right")
        etcdctl(etcd, "user", "grant-role", "root", "root")
        etcdctl(etcd, "auth", "enable")
        wrong = {"TRADEGAME_STORE__USER": "root", "TRADEGAME_STORE__PASSWORD": "wrong"}
        tries += [(etcd.url, wrong, "authentication failed"), (etcd.url, {}, "user name is empty")]
        tries += [(etcd.url.replace("etcd:", "etcds:"), {}, "failed to connect to all addresses")]
        with ServerProcess(f"embedded:{tmp_path / 'taken.db'}", tmp_path):
            tries.append(("embedded:taken.db", {}, "in use by another process"))
            for store, environment, expected in tries:
                result = tradegame("serve", "--port", "0", "--store", store, cwd=tmp_path, **environment)
                assert result.returncode == 2, store
                assert expected in result.stderr.splitlines()[-1], result.stderr
                assert not re.search(r"(?m)^(Traceback|[IWE]\d{4} )", result.stderr), "no stack, nothing of gRPC's own"
