"""How others get to a game: its code, the address that is told, as text and as a QR code, and on the terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.server import BAZAAR, ServerThread
from tradegame.core.domain.codes import code_of
from tradegame.protocol.bounds import CODE, CODE_CHARACTERS

GAMES = [BAZAAR, {"id": "pit", "goods": {"a": {}}}]
PATH = "/v1/games/bazaar/invitation"


def invited(server: ServerThread, **headers: str) -> dict[str, object]:
    told: dict[str, object] = httpx.get(f"{server.http}{PATH}", headers=headers).raise_for_status().json()
    return told


def test_a_code_is_short_plain_and_of_its_game_alone() -> None:
    codes = {code_of(f"game-{number}") for number in range(100)}
    assert len(codes) == 100
    assert all(re.fullmatch(CODE, code) for code in codes)
    assert code_of("bazaar") == code_of("bazaar") != code_of("pit")
    assert not set("AEIOU0128S5") & set(CODE_CHARACTERS), "no vowel, and none that looks like another"


def test_a_code_is_no_name_of_a_page() -> None:
    with ServerThread("memory:") as server:
        documented = httpx.get(f"{server.http}/openapi.json").json()["paths"]
    assert not [path for path in documented if re.fullmatch(CODE.replace("^", "^/"), path.upper())]


def test_who_asks_is_told_the_name_by_which_they_came() -> None:
    with ServerThread("memory:", games=GAMES) as server:
        port, code = server.running.port, code_of("bazaar")
        assert invited(server, Host="class.local:81") == {"url": f"http://class.local:81/{code}"}
        for own in ("localhost", "127.0.0.1", "[::1]", "x.localhost"):
            expected = {"url": f"http://{own}:{port}/{code}", "here_only": True}
            assert invited(server, Host=f"{own}:{port}") == expected
        listed = httpx.get(f"{server.http}/v1/games").json()["games"]
        assert [each["code"] for each in listed] == [code_of("bazaar"), code_of("pit")]
        answer = httpx.get(f"{server.http}/v1/games/nowhere/invitation.svg")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_game")


def test_who_came_as_localhost_is_told_what_others_can_open() -> None:
    with ServerThread("memory:", flags={"server.host": "0.0.0.0"}) as server:
        told = invited(server, Host=f"localhost:{server.running.port}")
        assert told == {"url": f"{server.running.players_url}{code_of('bazaar')}"}
        assert "localhost" not in str(told)
    with ServerThread("memory:", flags={"server.advertise": "wss://play.example.org/trade/ws"}) as server:
        assert server.running.players_url == "https://play.example.org/trade/"
        told = invited(server, Host=f"localhost:{server.running.port}")
        assert told == {"url": f"https://play.example.org/trade/{code_of('bazaar')}"}


def test_behind_a_proxy_it_is_the_proxys_name_scheme_and_path() -> None:
    flags = {"server.proxies": ["127.0.0.1"], "server.path_prefix": "/trade", "server.hosts": ["play.example.org"]}
    with ServerThread("memory:", flags=flags) as server:
        forwarded = {
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "play.example.org",
        }
        assert invited(server, **forwarded) == {"url": f"https://play.example.org/trade/{code_of('bazaar')}"}


def test_the_picture_is_an_svg_with_its_margin_and_is_the_same_for_the_same_address() -> None:
    with ServerThread("memory:") as server:
        first, again = (httpx.get(f"{server.http}{PATH}.svg", headers={"Host": "a.local"}) for _ in range(2))
        other = httpx.get(f"{server.http}{PATH}.svg", headers={"Host": "b.local"})
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.content == again.content != other.content
    assert first.text.startswith("<svg ")
    assert 'fill="#fff"' in first.text, "white behind it, on a dark page too"


@pytest.mark.slow
def test_who_wants_ever_new_pictures_is_refused_and_who_wants_the_one_that_is_kept_is_not() -> None:
    limits = {"limits.commands_per_s": 20, "limits.burst": 40, "limits.address_commands_per_s": 400}
    with ServerThread("memory:", flags=limits) as server, ThreadPoolExecutor(80) as askers:

        def ask(name: str) -> int:
            return httpx.get(f"{server.http}{PATH}.svg", headers={"Host": name}, timeout=60).status_code

        assert ask("class.local") == 200
        assert set(askers.map(ask, [f"x{number}.local" for number in range(80)])) == {200, 429}
        deadline = time.monotonic() + 60
        while ask("class.local") != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("path", ["/{code}", "/{lower}"])
def test_a_code_leads_to_the_page_to_play_on_and_nothing_else_of_one_word_does(path: str) -> None:
    code = code_of("bazaar")
    with ServerThread("memory:") as server:
        page = httpx.get(server.http + path.format(code=code, lower=code.lower()))
        assert page.content == httpx.get(f"{server.http}/").content
        for no_code in ("/ABCD", f"/{code}X", f"/{code[:3]}"):
            assert httpx.get(server.http + no_code).status_code == 404


def test_a_browser_at_a_mistyped_code_gets_the_page_that_says_so_and_a_program_gets_an_error() -> None:
    with ServerThread("memory:", games=[BAZAAR]) as server:
        for path in ("/ABC", "/hello"):
            shown = httpx.get(server.http + path, headers={"Accept": "text/html,*/*;q=0.8"}, timeout=20)
            assert shown.status_code == 404
            assert shown.content == httpx.get(server.http, timeout=20).content
            assert httpx.get(server.http + path, timeout=20).json()["error"]["code"] == "not_found"
        for path in ("/v1/nothing", "/static/nothing.js"):
            answer = httpx.get(server.http + path, headers={"Accept": "text/html"}, timeout=20)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"


def test_the_terminal_shows_a_qr_code_and_a_file_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tradegame", "serve", "--host", "0.0.0.0", "--port", "0"]
    command += ["--store", f"embedded:{tmp_path / 'x.db'}"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, cwd=tmp_path) as process:
        os.close(theirs)
        try:
            shown = ""
            while "▄▄▄▄▄▄▄" not in shown:
                read = os.read(ours, 65_536).decode(errors="replace")
                assert read, shown
                shown += read
            assert "others play at http://" in shown
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # that is how a terminal ends whose other side is gone
                while os.read(ours, 65_536):
                    pass
            os.close(ours)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "others play at" in line:
                    break
        finally:
            process.send_signal(signal.SIGINT)
        assert "▄" not in process.stdout.read()
