"""The commands of docs/OPERATIONS.md as they are written, on a machine where only the names are ours.

`systemctl` and `journalctl` are scripts around one real ``tradegame serve --log-format json``; everything else
is what it is. What needs more than that is run by tests/e2e/test_operations.py, or listed here with the reason.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import fresh_etcd_url
from tests.e2e.test_operations import in_time
from tests.support.etcd import EtcdServer, etcd_binary
from tests.support.player import Player
from tests.support.process import REPOSITORY
from tests.support.server import ADMIN_TOKEN
from tradegame.cluster.processes.ports import quiet_ports
from tradegame.infra.embedded.backup import check

TEXT = (REPOSITORY / "docs" / "OPERATIONS.md").read_text()
BLOCKS = [re.sub(r"(?m)^ {3}", "", block) for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)]
DEADLINE_S = 120
HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

FIRST, RESTART, STOPPED, ANEW = '== "error" or', "systemctl restart", '== "game_stopped"', "X DELETE"
BACKUP, FETCH, RESTORE = "config.toml /backup/tradegame.db\n", "/v1/backup", "chown --reference"
SNAPSHOT, RESTORE_ETCD = "etcdctl snapshot status", "snapshot restore"
ERASE = "tradegame erase"
HERE = (FIRST, RESTART, STOPPED, ANEW, BACKUP, FETCH, RESTORE, SNAPSHOT, RESTORE_ETCD, ERASE)
"""Words of the blocks that this file runs."""
ELSEWHERE = {
    "alarm disarm": "test_a_full_etcd_is_repaired_while_nodes_run",
    "member remove": "test_a_member_whose_data_is_lost_is_let_in_anew_while_a_node_serves",
    "role add": "test_a_role_on_the_prefix_is_all_that_a_node_needs",
}
"""Words of the blocks that tests/e2e/test_operations.py runs, and by which test."""
NOT_RUN = {
    "--quota-backend-bytes": "tests/support/etcd.py starts members with flags of its own",
    "command-timeout=60s defrag\netcdctl": "defrag is run with the block on NOSPACE",
    "--force-new-cluster": "takes three machines of etcd's; tried by hand",
    ".clone": "tests/e2e/test_damage.py damages files",
}

UNIT = """#!/bin/bash
# systemctl WHAT tradegame
cd {root}
gone() {{ [ ! -d /proc/$1 ] || grep -q ') Z ' /proc/$1/stat; }}
stop() {{ P=$(cat pid); kill -TERM $P || true; until gone $P; do sleep 0.05; done; }}
start() {{
    {command} >>journal 2>&1 </dev/null &
    echo $! >pid
    until curl -sf 127.0.0.1:{port}/readyz >/dev/null; do sleep 0.1; done
}}
[ "$2" = tradegame ] || exit 1
case $1 in start) start;; stop) stop;; restart) stop; start;; *) exit 1;; esac
"""


class Machine:
    """A machine with the service ``tradegame`` on it. Its files are in ``root``."""

    def __init__(self, root: Path, store: str, etcd: EtcdServer | None = None) -> None:
        self.root, self.port, self.store, self.etcd = root, quiet_ports(1)[0], store, etcd
        for name in ("bin", "etc", "lib", "backup"):
            (root / name).mkdir()
        (root / "etc" / "token").write_text(f"{ADMIN_TOKEN}\n")
        config = root / "etc" / "config.toml"
        config.write_text(f'[server]\nport = {self.port}\n[store]\nurl = "{store}"\n')
        serve = f"{sys.executable} -m tradegame serve --config {config} --log-format json --bots ${{BOTS:-0}}"
        self._script("systemctl", UNIT.format(root=root, command=f"env {self._settings()} {serve}", port=self.port))
        self._script("journalctl", f"#!/bin/bash\n[ \"$*\" = '-u tradegame -o cat' ] && cat {root}/journal\n")
        self._script("tradegame", f'#!/bin/bash\nexec env {self._settings()} {sys.executable} -m tradegame "$@"\n')
        self._script(
            "curl", f'#!/bin/bash\nexec {shutil.which("curl")} "${{@//localhost:8765/127.0.0.1:{self.port}}}"\n'
        )
        if etcd is not None:
            self._script("etcdctl", f'#!/bin/bash\nexec {etcd_binary()}ctl "$@"\n')

    def _settings(self) -> str:
        return f"PYTHONPATH={REPOSITORY} TRADEGAME_ADMIN__TOKEN_FILE={self.root}/etc/token"

    def _script(self, name: str, text: str) -> None:
        (self.root / "bin" / name).write_text(text)
        (self.root / "bin" / name).chmod(0o755)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, commands: str, *, replaced: dict[str, str] | None = None) -> str:
        """What the commands print. Each must succeed, in a pipe too."""
        for name, ours in (replaced or {}).items():
            assert name in commands, name
            commands = commands.replace(name, ours)
        for name, ours in {"/etc/tradegame": "etc", "/var/lib/tradegame": "lib", "/backup": "backup"}.items():
            commands = re.sub(rf"(?<=\s){name}\b", str(self.root / ours), commands)
        environment = {
            **os.environ,
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "TOKEN": ADMIN_TOKEN,
            "ETCD": self.etcd.endpoint if self.etcd else "",
            "ETCDCTL_API": "3",
        }
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        assert result.returncode == 0, f"{commands}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def end(self) -> None:
        if (self.root / "pid").exists():
            self.run("systemctl stop tradegame")


def block(holding: str) -> str:
    (found,) = [each for each in BLOCKS if holding in each]
    return found


@pytest.fixture(params=["embedded", pytest.param("etcd", marks=pytest.mark.slow)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    etcd = request.getfixturevalue("etcd") if request.param == "etcd" else None
    store = fresh_etcd_url(etcd) if etcd is not None else f"embedded:{tmp_path}/lib/tradegame.db"
    made = Machine(tmp_path, store, etcd)
    try:
        made.run("systemctl start tradegame")
        yield made
    finally:
        made.end()


def test_every_block_of_commands_is_run_by_a_test_or_it_is_said_why_not() -> None:
    named = [*HERE, *ELSEWHERE, *NOT_RUN]
    for each in BLOCKS:
        assert [words for words in named if words in each], f"no test runs\n{each}"
    for words in named:
        assert [each for each in BLOCKS if words in each], f"no block has {words!r}"
    tests = (REPOSITORY / "tests" / "e2e" / "test_operations.py").read_text()
    for name in ELSEWHERE.values():
        assert f"def {name}(" in tests


def test_the_runbook_can_be_followed_on_a_node_that_logs_json(machine: Machine) -> None:
    for line in block(FIRST).splitlines():
        if machine.etcd is not None or not line.startswith("etcdctl"):
            said = machine.run(line)
            assert "readyz" not in line or said == "ready\n"
    lines = [json.loads(line) for line in (machine.root / "journal").read_text().splitlines()]
    assert any("serves ws://" in line["event"] for line in lines), "where it serves is in the journal, as JSON"

    machine.run(block(RESTART))
    stopped = block(STOPPED)
    machine.run(stopped, replaced={"for n in one two three": "for n in localhost", "$n:8765": "localhost:8765"})
    assert (machine.root / "bazaar.log").stat().st_size > 0
    before = httpx.get(f"{machine.http}/v1/games/bazaar").json()["epoch"]
    (machine.root / "bazaar.json").write_text(json.dumps({"id": "bazaar", "title": "Anew", "goods": {"grain": {}}}))
    machine.run(block(ANEW))
    assert httpx.get(f"{machine.http}/v1/games/bazaar").json()["epoch"] != before
    (phase,) = re.findall(r"(?s)`(curl -X POST [^`]*/phase -d [^`]*)`", TEXT)
    machine.run(phase)
    assert httpx.get(f"{machine.http}/v1/games/bazaar").json()["phase"] == "closed"
    lines = [json.loads(line) for line in (machine.root / "journal").read_text().splitlines()]
    assert {line["level"] for line in lines} <= {"info", "warning"}


def test_the_keys_in_etcd_can_be_looked_at(tmp_path: Path, etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    machine = Machine(tmp_path, url, etcd)
    try:
        machine.run("BOTS=2 systemctl start tradegame")
        in_time(lambda: httpx.get(f"{machine.http}/v1/games").json()["games"][0]["players"] == 2, "no bots")
        rows = [line for line in TEXT.splitlines() if line.startswith("|") and "`etcdctl --endpoints=$ETCD get" in line]
        assert len(rows) >= 7
        for row in rows:
            command = row.rsplit("| `", 1)[1].removesuffix("` |").replace("\\|", "|")
            command = command.replace("tradegame/", f"{url.rsplit('/', 1)[1]}/")
            said = machine.run(command)
            assert said or "p-7mrmrbjapijz" in row, row
    finally:
        machine.end()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, f"embedded:{tmp_path}/lib/tradegame.db")
    try:
        yield machine
    finally:
        machine.end()


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_only_its_owner_can_read_what_a_node_keeps(embedded: Machine) -> None:
    embedded.run("umask 022; BOTS=2 systemctl start tradegame; until [ -s lib/tradegame.db.bots ]; do sleep 0.1; done")
    kept = sorted((embedded.root / "lib").iterdir())
    assert len(kept) >= 3
    assert {file.name: mode(file) for file in kept} == {file.name: 0o600 for file in kept}


@pytest.mark.slow
def test_a_backup_is_made_while_the_server_runs_and_is_what_was_there_when_restored(embedded: Machine) -> None:
    url, backup = f"ws://127.0.0.1:{embedded.port}/ws", embedded.root / "backup" / "tradegame.db"
    embedded.run("systemctl start tradegame")
    with Player(url, "ann") as ann:
        ann.ask("join", game="bazaar")
        ann.ask("say", game="bazaar", text="before")
        assert embedded.run(f"umask 0; {block(BACKUP)}").endswith(" bytes, sound\n")
        assert ann.ask("say", game="bazaar", text="after"), "its connection is open"
        embedded.run(block(FETCH), replaced={"tradegame.db": "second.db"})
        token = ann.token
    files = {file.name: mode(file) for file in backup.parent.iterdir()}
    assert files == {"tradegame.db": 0o600, "second.db": 0o600}
    check(backup.with_name("second.db"))
    embedded.run(block(RESTORE))
    with Player(url, token=token) as ann:
        joined = ann.ask("join", game="bazaar")
        assert [message["text"] for message in joined["state"]["messages"]] == ["before"]
    log = embedded.root / "bazaar.log"
    log.write_bytes(httpx.get(f"{embedded.http}/v1/games/bazaar/log", headers=HOST).content)
    assert "is sound" in embedded.run(f"tradegame verify {log}")
    assert not list((embedded.root / "lib").glob("*.backup"))


@pytest.mark.slow
def test_a_backup_is_made_where_no_server_runs(embedded: Machine) -> None:
    embedded.run(f"systemctl start tradegame; systemctl stop tradegame\n{block(BACKUP)}systemctl start tradegame")
    check(embedded.root / "backup" / "tradegame.db")


@pytest.mark.slow
def test_no_backup_is_said_in_one_line_and_leaves_the_one_that_is_there(embedded: Machine) -> None:
    target = embedded.root / "backup" / "tradegame.db"
    target.write_text("an older one")
    command = block(BACKUP).strip()

    def says(words: str, *, more: str = "") -> None:
        embedded.run(f"! {command} {more} 2>said\ngrep 'no backup was made: {words}' said\n[ $(wc -l <said) = 1 ]")

    says("the server does not answer: .*refused")
    embedded.run("systemctl start tradegame")
    says("the server does not answer: .*refused", more="--url http://127.0.0.1:1")
    (embedded.root / "etc" / "token").write_text("another-token-another-token")
    says("the server answers 401: ")
    assert target.read_text() == "an older one"
    assert [file.name for file in target.parent.iterdir()] == ["tradegame.db"]


@pytest.mark.slow
def test_an_erased_player_is_nowhere_in_the_store_and_everybody_else_plays_on(machine: Machine) -> None:
    url, prefix = f"ws://127.0.0.1:{machine.port}/ws", machine.store.rsplit("/", 1)[1]
    with Player(url, "Anna Miller") as ann, Player(url, "ben") as ben:
        for each in (ann, ben):
            each.ask("join", game="bazaar")
        ann.ask("say", game="bazaar", text="I am in class 7b")
        ann.ask("say", game="bazaar", text="Call me at noon", to=ben.id)
        last = ben.ask("say", game="bazaar", text="Hello")["seq"]
        ann.ask("buy", game="bazaar", good="grain", qty=3)
        before = ann.ask("join", game="bazaar")["me"]
    epoch = httpx.get(f"{machine.http}/v1/games/bazaar").json()["epoch"]

    def kept() -> bytes:
        if machine.etcd is None:
            return b"".join(file.read_bytes() for file in (machine.root / "lib").glob("tradegame.db*"))
        return machine.run(f"etcdctl --endpoints=$ETCD get --prefix {prefix}/").encode()

    secrets = (b"Anna Miller", b"class 7b", b"at noon")
    assert all(each in kept() for each in secrets)
    if machine.etcd is not None:
        command = block(ERASE).splitlines()[2].replace("p-7mrmrbjapijz", ann.id)
        machine.run(f"! {command} 2>said; grep 'not erased: a node is running' said")
    machine.run(block(ERASE), replaced={"p-7mrmrbjapijz": ann.id})
    assert [each for each in secrets if each in kept()] == []

    state = httpx.get(f"{machine.http}/v1/games/bazaar").json()
    assert state["epoch"] == epoch
    with Player(url, token=ben.token) as again:
        joined = again.ask("join", game="bazaar", after={"epoch": epoch, "seq": state["seq"] - 1})
        assert [message["text"] for message in joined["state"]["messages"]] == ["Hello"]
        assert joined["state"]["players"][ann.id]["name"] == "erased"
        assert not again.ask("join", game="bazaar", after={"epoch": epoch, "seq": last})["recovered"]
    with Player(url, hello=False) as gone:
        assert gone.refused("hello", token=ann.token)["code"] == "unauthorized"
    log = machine.root / "bazaar.log"
    log.write_bytes(httpx.get(f"{machine.http}/v1/games/bazaar/log", headers=HOST).content)
    assert "is sound" in machine.run(f"tradegame verify {log}")
    rows = httpx.get(f"{machine.http}/v1/games/bazaar/standings", params={"limit": 100}).json()["standings"]
    assert before["goods"]["grain"] == 3
    assert ann.id in {row["player"] for row in rows}, "what they have is still theirs"
    machine.run("systemctl stop tradegame; ! tradegame erase --config /etc/tradegame/config.toml p-nobody 2>said")
    assert "no player" in (machine.root / "said").read_text()


@pytest.mark.slow
def test_other_programs_are_told_that_the_file_is_in_use(embedded: Machine) -> None:
    embedded.run("systemctl start tradegame")
    embedded.run("! sqlite3 -readonly lib/tradegame.db '.backup copy.db' 2>said; grep 'database is locked' said")


@pytest.mark.slow
def test_a_restored_snapshot_of_etcd_is_what_was_there(tmp_path: Path) -> None:
    with EtcdServer() as etcd:
        machine = Machine(tmp_path, f"{etcd.url}/tradegame", etcd)
        url = f"ws://127.0.0.1:{machine.port}/ws"
        try:
            machine.run("systemctl start tradegame")
            with Player(url, "ann") as ann:
                ann.ask("join", game="bazaar")
                ann.ask("say", game="bazaar", text="before")
                machine.run(block(SNAPSHOT))
                assert mode(tmp_path / "backup" / "tradegame.db") == 0o600
                ahead = ann.ask("say", game="bazaar", text="after")["seq"]
                epoch, token = httpx.get(f"{machine.http}/v1/games/bazaar").json()["epoch"], ann.token
            restore = block(RESTORE_ETCD).splitlines()
            (first,) = (number for number, line in enumerate(restore) if line.startswith("etcdutl"))
            (last,) = (number for number, line in enumerate(restore) if line.startswith("systemctl start etcd"))
            machine.run("\n".join(restore[: first - 1]))
            etcd.stop()
            etcd.data.rename(tmp_path / "etcd.old")
            peers = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380"
            machine.run(
                "\n".join(restore[first:last]),
                replaced={
                    "etcdutl": "etcdctl",
                    "--name a ": f"--name {etcd.name} ",
                    "/var/lib/etcd": str(etcd.data),
                    peers: f"{etcd.name}={etcd.peer_url}",
                    "http://10.0.0.1:2380 ": f"{etcd.peer_url} ",
                },
            )
            etcd.start()
            machine.run("\n".join(restore[last + 1 :]))
            with Player(url, token=token) as ann:
                joined = ann.ask("join", game="bazaar", after={"epoch": epoch, "seq": ahead + 1_000})
                assert not joined["recovered"], "who is ahead of a backup gets a whole state"
                assert [message["text"] for message in joined["state"]["messages"]] == ["before"]
        finally:
            machine.end()


@pytest.mark.slow
def test_a_snapshot_of_an_etcd_with_users_is_for_its_root(tmp_path: Path) -> None:
    with EtcdServer() as etcd:
        machine = Machine(tmp_path, f"{etcd.url}/tradegame", etcd)
        for line in re.findall(r"(?m)^etcdctl --endpoints=\$ETCD (?!--user).*$", block("role add")):
            machine.run(line)
        (tmp_path / "password").write_text("ROOTS-PASSWORD\n")
        command = block(SNAPSHOT).splitlines()[0].split("#")[0]
        nodes = "TRADEGAME_STORE__USER=tradegame TRADEGAME_STORE__PASSWORD=NODES-PASSWORD"
        machine.run(f"! {nodes} {command} 2>said; grep 'no backup was made: .*permission denied' said")
        machine.run(f"TRADEGAME_STORE__USER=root TRADEGAME_STORE__PASSWORD_FILE=$PWD/password {command}")
