"""The command line: what it prints, where, and the exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

import tradegame
from tests.support.command_line import tradegame as run
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.cli import app

SUBCOMMANDS = ("serve", "cluster", "bots", "backup", "erase", "verify", "export", "config", "spec")


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={name: "" for name in os.environ if name.startswith("TRADEGAME_") and "__" in name})


def test_the_version_is_printed(runner: CliRunner) -> None:
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"tradegame {tradegame.__version__}\n")


def test_help_names_every_command(runner: CliRunner) -> None:
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.stdout for command in SUBCOMMANDS)


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_each_commands_help_has_an_example(runner: CliRunner, command: str) -> None:
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert result.stdout.count(f"tradegame {command} ") + result.stdout.count(f"tradegame {command}\n") >= 1


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = "import sys, tradegame.cli; print({'trio', 'grpc', 'starlette', 'structlog'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout == "set()\n"


def test_config_prints_toml_with_origins(runner: CliRunner) -> None:
    result = runner.invoke(app, ["config", "--port", "9000"], env={"TRADEGAME_ADMIN__TOKEN": "open-sesame-open-sesame"})
    assert result.exit_code == 0
    assert tomllib.loads(result.stdout)["server"]["port"] == 9000
    assert "# --port" in result.stdout
    assert "# TRADEGAME_ADMIN__TOKEN" in result.stdout
    assert "sesame" not in result.stdout


def test_config_exits_1_with_all_errors_on_stderr(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[server]\nport = -1\nhots = 2\n")
    result = runner.invoke(app, ["config", "--config", str(file)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == ["server.port", "server.hots"]


def test_config_warns_on_stderr_of_what_does_nothing(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[[games]]\nid = "g"\ncash = 0\n[games.goods.grain.house]\nanchor = 20\n')
    result = runner.invoke(app, ["config", "--config", str(file)])
    assert result.exit_code == 0
    assert result.stderr == "warning: games[0].cash: buys nothing: the cheapest unit costs 21\n"
    assert 'id = "g"' in result.stdout


def test_serve_with_a_wrong_configuration_exits_2_and_says_where(runner: CliRunner) -> None:
    result = runner.invoke(app, ["serve", "--log-level", "loud"])
    assert result.exit_code == 2
    assert result.stderr == '--log-level: log.level: expected one of debug, info, warning, error, found "loud"\n'


def test_serve_with_a_config_file_that_is_not_there_exits_2(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["serve", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 2
    assert result.stderr.endswith("none.toml: cannot be read: No such file or directory\n")


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), "--store", "memory:", "--log-level", "error")
    assert (result.exit_code, result.stdout) == (2, "")
    expected = f"tradegame: cannot listen on 127.0.0.1 port {port}: Address already in use (--port picks another)\n"
    assert result.stderr == expected


def test_a_store_that_cannot_be_opened_is_said_in_one_line() -> None:
    result = run("serve", "--port", "0", "--store", "embedded:no/such/folder.db", "--log-level", "error")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("tradegame: the store embedded:no/such/folder.db cannot be used: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--log-level", "loud", "--port", "-1"],
        ["--preset", "none"],
        ["--config", "none.toml"],
        ["--config", "broken.toml"],
        ["--store", "embedded:no/such/folder.db"],
        ["--host", "192.0.2.1", "--store", "memory:"],
    ],
    ids=" ".join,
)
def test_with_a_log_of_json_what_prevents_the_start_is_json_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.toml").write_text("[server\n")
    result = run("serve", "--log-format", "json", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    last = [json.loads(line) for line in result.stderr.splitlines()][-1]
    assert (last["event"], last["level"]) == ("not_started", "error")
    assert last["reason"]


@pytest.mark.parametrize("arguments", [["--port", "many"], ["--nonsense"]], ids=" ".join)
def test_with_a_log_of_json_wrong_usage_is_told_in_json_too(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "tradegame", "serve", "--log-format", "json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = map(json.loads, result.stderr.splitlines())
    assert (line["event"], line["level"]) == ("not_started", "error")
    assert line["reason"]


def test_the_log_format_of_the_file_holds_for_its_other_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[log]\nformat = "json"\n[server]\nport = -1\nhots = 2\n')
    result = run("serve", "--config", "config.toml")
    assert result.exit_code == 2
    assert [json.loads(line)["reason"].split(":")[1] for line in result.stderr.splitlines()] == [
        " server.port",
        " server.hots",
    ]


def test_a_crash_is_a_line_of_json_too(tmp_path: Path) -> None:
    code = """
import threading, warnings
from tradegame.utils.logging import configure_logging, flush_logging, log_uncaught
configure_logging("info", "json")
log_uncaught()
warnings.warn("old", stacklevel=1)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise ExceptionGroup("all", [ValueError("bad")])
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert (result.returncode, [line["level"] for line in lines]) == (1, ["warning", "error", "error"])
    assert ["ZeroDivisionError" in str(line) for line in lines] == [False, True, False]


def test_bots_of_an_unknown_kind_are_refused(runner: CliRunner) -> None:
    result = runner.invoke(app, ["bots", "--kind", "oracle"])
    assert result.exit_code == 2
    assert result.stderr.startswith("tradegame: unknown kind of bot: oracle; there are ")


def test_verify_of_a_file_that_is_not_there_exits_2(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["verify", str(tmp_path / "none.log")])
    assert result.exit_code == 2
    assert "none.log cannot be read: No such file or directory" in result.stderr


def test_verify_of_what_is_no_log_exits_1_and_names_the_line(runner: CliRunner, tmp_path: Path) -> None:
    log = tmp_path / "bazaar.log"
    log.write_text("{}\n")
    result = runner.invoke(app, ["verify", str(log)])
    assert result.exit_code == 1
    assert f"{log}: line 1: " in result.stderr


def test_verify_finds_an_exported_log_sound_and_a_changed_digit_not(runner: CliRunner, tmp_path: Path) -> None:
    with ServerThread("memory:") as server:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        news = httpx.post(f"{server.http}/v1/games/bazaar/news", json={"text": "rain in 1888"}, headers=headers)
        assert news.is_success
        exported = httpx.get(f"{server.http}/v1/games/bazaar/log", headers=headers).content
    log = tmp_path / "bazaar.log"
    log.write_bytes(exported)
    result = runner.invoke(app, ["verify", str(log)])
    assert (result.exit_code, "the log of bazaar is sound" in result.stdout) == (0, True)
    log.write_bytes(exported.replace(b"rain in 1888", b"rain in 1889"))
    result = runner.invoke(app, ["verify", str(log)])
    assert result.exit_code == 1
    assert "the chain breaks" in result.stderr


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tradegame", "serve", "--port", "0", "--store", "embedded:x.db"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_and_ends_cleanly_when_told_to(serving: subprocess.Popen[str], how: signal.Signals) -> None:
    assert serving.stdout is not None
    line = serving.stdout.readline()
    assert "ws://127.0.0.1:" in line
    assert "http://127.0.0.1:" in line
    serving.send_signal(how)
    _, stderr = serving.communicate(timeout=30)
    assert serving.returncode == 0
    assert "Traceback" not in stderr
