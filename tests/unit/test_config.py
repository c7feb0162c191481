"""Where settings come from, and what is told when they are wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from tradegame.infra.config import (
    AdminSettings,
    ConfigError,
    Settings,
    StoreSettings,
    default_games,
    list_settings,
    load,
    load_settings,
)
from tradegame.infra.config.loader import SECTIONS
from tradegame.infra.config.structuring import rule_of

ROOT = Path(__file__).parents[2]


def is_secret(key: attrs.Attribute[Any]) -> bool:
    rule = rule_of(key)
    return rule is not None and rule.secret


def write(directory: Path, text: str) -> Path:
    file = directory / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaints(file: Path | None = None, environ: dict[str, str] | None = None, **flags: object) -> list[str]:
    """What loading complains of, the file's directory cut off."""
    with pytest.raises(ConfigError) as caught:
        load_settings(file, environ or {}, {name.replace("__", "."): value for name, value in flags.items()})
    text = str(caught.value)
    return (text.replace(f"{file.parent}/", "") if file else text).splitlines()


def test_without_any_source_the_bazaar_is_served() -> None:
    settings = load_settings(None, {}, {})
    assert settings == Settings()
    assert [game.id for game in settings.games] == ["bazaar"]
    assert list(settings.games[0].goods) == ["grain", "wood", "wool", "iron", "spice"]
    assert settings.server.port == 8765


def test_the_environment_wins_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nhost = "file"\nport = 1\nshutdown_grace_s = 7\n')
    environ = {"TRADEGAME_SERVER__HOST": "variable", "TRADEGAME_SERVER__PORT": "2"}
    loaded = load(file, environ, {"server.port": 3})
    server = loaded.settings.server
    assert (server.shutdown_grace_s, server.host, server.port) == (7, "variable", 3)
    paths = ("server.shutdown_grace_s", "server.host", "server.port", "server.origins")
    assert [loaded.origin(path) for path in paths] == [str(file), "TRADEGAME_SERVER__HOST", "--port", "default"]


SECRETS = [
    f"{section}__{name}".upper() for section, keys in SECTIONS.items() for name, key in keys.items() if is_secret(key)
]


def test_there_are_secrets() -> None:
    assert SECRETS == ["STORE__PASSWORD", "ADMIN__TOKEN"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_be_read_from_a_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("open-sesame-open-sesame\n")
    environ = {f"TRADEGAME_{name}_FILE": str(file), "TRADEGAME_STORE__USER": "ann"}
    loaded = load(None, environ, {})
    section, key = name.lower().split("__")
    assert getattr(getattr(loaded.settings, section), key) == "open-sesame-open-sesame"
    assert loaded.origin(f"{section}.{key}") == f"TRADEGAME_{name}_FILE"
    assert "sesame" not in list_settings(loaded)


def test_a_secrets_file_that_cannot_be_used_is_told_and_its_text_is_not(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("sesame\n")
    (tmp_path / "binary").write_bytes(b"sesame\xff")
    file = "TRADEGAME_ADMIN__TOKEN_FILE"
    assert complaints(environ={file: f"{tmp_path}/none"}) == [
        f"{file}: admin.token: {tmp_path}/none cannot be read: No such file or directory"
    ]
    assert complaints(environ={file: f"{tmp_path}/binary"}) == [f"{file}: admin.token: {tmp_path}/binary is not UTF-8"]
    assert complaints(environ={file: f"{tmp_path}/short"}) == [
        f"{file}: admin.token: expected at least 16 characters, of printable ASCII without spaces, found ***"
    ]
    both = {file: f"{tmp_path}/short", "TRADEGAME_ADMIN__TOKEN": "open-sesame-open-sesame"}
    assert complaints(environ=both) == [f"{file}: admin.token: set this or TRADEGAME_ADMIN__TOKEN, not both"]


def test_what_is_not_secret_is_not_read_from_a_file() -> None:
    [line] = complaints(environ={"TRADEGAME_SERVER__HOST_FILE": "/etc/hostname"})
    assert line.startswith("TRADEGAME_SERVER__HOST_FILE: server.host_file: unknown, expected one of host, ")


def test_a_wrong_value_is_told_with_its_source_its_path_and_what_was_expected(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nport = 70000\n[log]\nformat = "xml"\n')
    assert complaints(file, {"TRADEGAME_LIMITS__BURST": "many"}, session__heartbeat_s=0) == [
        'TRADEGAME_LIMITS__BURST: limits.burst: expected an integer from 1 to 1000000, found "many"',
        "config.toml: server.port: expected an integer from 0 to 65535, found 70000",
        "flag session.heartbeat_s: session.heartbeat_s: expected an integer from 1 to 3600, found 0",
        'config.toml: log.format: expected one of console, json, found "xml"',
    ]


@pytest.mark.parametrize("value", ["5.7", "5.0", "true", '"5"', "[5]", "{a = 5}", "1979-05-27"])
def test_nothing_but_an_integer_is_an_integer(tmp_path: Path, value: str) -> None:
    [line] = complaints(write(tmp_path, f"[server]\nport = {value}\n"))
    assert line.startswith("config.toml: server.port: expected an integer from 0 to 65535, found ")


@pytest.mark.parametrize("value", ["5", "true", '["a"]'])
def test_nothing_but_a_string_is_a_string(tmp_path: Path, value: str) -> None:
    [line] = complaints(write(tmp_path, f"[server]\nhost = {value}\n"))
    assert line.startswith("config.toml: server.host: expected a string")


def test_a_string_is_no_list_of_its_letters(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\norigins = "http://a.example"\n')
    [line] = complaints(file)
    assert line.startswith("config.toml: server.origins: expected a list of origins")


def test_a_section_must_be_a_table(tmp_path: Path) -> None:
    assert complaints(write(tmp_path, "server = 5\n"), {"TRADEGAME_SERVER__PORT": "1"}) == [
        "config.toml: server: expected a table, found 5"
    ]


def test_unknown_keys_are_errors_everywhere_and_the_nearest_is_named(tmp_path: Path) -> None:
    lines = complaints(
        write(tmp_path, "[server]\nprot = 1\n[sevrer]\n"), {"TRADEGAME_LIMITS__BRUST": "1"}, log__levle="info"
    )
    assert [line.rpartition("; ")[2] for line in lines] == [
        "did you mean burst?",
        "did you mean level?",
        "did you mean port?",
        "did you mean server?",
    ]
    assert lines[2].startswith("config.toml: server.prot: unknown, expected one of host, port, ")


def test_an_unknown_section_in_the_environment_is_an_error() -> None:
    [line] = complaints(None, {"TRADEGAME_SERVR__PORT": "1"})
    assert line.startswith("TRADEGAME_SERVR__PORT: servr: unknown, expected one of server, store, ")


def test_variables_that_an_orchestrator_sets_for_a_service_of_our_name_are_left_alone() -> None:
    environ = {"TRADEGAME_PORT": "tcp://10.0.0.1:8765", "TRADEGAME_SERVICE_HOST": "10.0.0.1", "SERVER__PORT": "x"}
    assert load_settings(None, environ, {}) == Settings()


@pytest.mark.parametrize("text", ["http://a.example, https://b.example", '["http://a.example", "https://b.example"]'])
def test_a_list_in_the_environment_is_json_or_has_commas(text: str) -> None:
    settings = load_settings(None, {"TRADEGAME_SERVER__ORIGINS": text}, {})
    assert settings.server.origins == ("http://a.example", "https://b.example")


def test_a_list_in_the_environment_that_is_broken_json_is_an_error() -> None:
    [line] = complaints(None, {"TRADEGAME_SERVER__ORIGINS": '["http://a.example"'})
    assert line.startswith(
        "TRADEGAME_SERVER__ORIGINS: server.origins: expected a JSON list, or values separated by commas"
    )


def test_an_integer_in_the_environment_may_have_underscores() -> None:
    settings = load_settings(None, {"TRADEGAME_LIMITS__OUTBOX_BYTES": "1_000_000"}, {})
    assert settings.limits.outbox_bytes == 1_000_000


@pytest.mark.parametrize(
    "token",
    ["a", "chalk", "p\u00e4sswort-p\u00e4sswort", "two words, two words"],
)
def test_a_token_that_can_be_guessed_or_that_no_header_carries_is_refused(token: str) -> None:
    [line] = complaints(None, {"TRADEGAME_ADMIN__TOKEN": token})
    assert "at least 16 characters, of printable ASCII without spaces" in line
    assert load_settings(None, {"TRADEGAME_ADMIN__TOKEN": "sixteen-letters!"}, {}).admin.token == "sixteen-letters!"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    secret = "open-sesame-open-sesame"
    environ = {
        "TRADEGAME_ADMIN__TOKEN": secret,
        "TRADEGAME_STORE__PASSWORD": secret,
        "TRADEGAME_STORE__USER": "ann",
    }
    loaded = load(None, environ, {})
    assert (loaded.settings.admin.token, loaded.settings.store.password) == (secret, secret)
    assert secret not in repr(loaded.settings)
    assert secret not in list_settings(loaded)
    assert 'token = "***"' in list_settings(loaded)
    assert repr(AdminSettings()) == "AdminSettings(token='')"
    assert "password=''" in repr(StoreSettings())
    assert complaints(write(tmp_path, "[admin]\ntoken = 424242\n")) == [
        "config.toml: admin.token: expected at least 16 characters, of printable ASCII without spaces, found ***"
    ]
    assert secret not in str(complaints(None, {"TRADEGAME_ADMIN__TOKEN": f"{secret}\n"}))


@pytest.mark.parametrize(
    "url",
    ["", "ws://a/ws", "wss://one.example.org/ws", "wss://one.example.org:8443/games/ws", "ws://[2001:db8::1]:8765/ws"],
)
def test_an_advertised_address_is_taken(url: str) -> None:
    assert load_settings(None, {}, {"server.advertise": url}).server.advertise == url


@pytest.mark.parametrize(
    "url",
    [
        "one.example.org",
        "http://a/ws",
        "ws://a",
        "ws://a/",
        "ws:///ws",
        "ws://a:0/ws",
        "ws://0.0.0.0:8765/ws",
        "ws://[::]/ws",
        "ws://a:65536/ws",
        "ws://ann:secret@a/ws",
        "ws://a/ws?x=1",
        "ws://a/ws#x",
        "ws://a/w s",
        "ws://a/ws\n",
        "ws://[::g]/ws",
        "ws://*/ws",
        "ws://a/" + "x" * 300,
    ],
)
def test_anything_else_is_no_advertised_address(url: str) -> None:
    [line] = complaints(None, {}, server__advertise=url)
    assert line.startswith(
        "--advertise: server.advertise: expected a ws:// or wss:// URL with its path, such as wss://"
    )


def test_a_certificate_needs_its_key_and_a_password_its_user() -> None:
    lines = complaints(None, {"TRADEGAME_STORE__PASSWORD": "x"}, server__tls_cert="a.pem", store__key="b.pem")
    assert lines == [
        "server.tls_key: missing: server.tls_cert is set, and one needs the other",
        "store.cert: missing: store.key is set, and one needs the other",
        "store.user: missing: store.password is set",
    ]


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    assert complaints(tmp_path / "none.toml") == ["none.toml: cannot be read: No such file or directory"]


def test_a_directory_is_no_config_file(tmp_path: Path) -> None:
    [line] = complaints(tmp_path)
    assert line.endswith(": cannot be read: Is a directory")


def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path) -> None:
    [line] = complaints(write(tmp_path, "[server]\nport = \n"))
    assert line.startswith("config.toml: expected TOML: ")
    assert "line 2" in line


def test_what_is_no_utf8_is_said(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b'title = "\xff"')
    assert complaints(file) == ["config.toml: expected UTF-8, found another byte at 9"]


def test_the_listing_is_a_config_file_that_says_the_same(tmp_path: Path) -> None:
    text = """
    [server]
    origins = ["http://a.example"]
    [[games]]
    id = "one"
    title = "Quotes \\" and \\u007f, and a # mark"
    [games.goods.grain]
    endowment = 3
    [games.goods.iron.house]
    anchor = 9
    [games.rounds]
    open_s = 60
    [[games.news]]
    at_s = 5
    text = "Iron!"
    good = "iron"
    anchor_bps = 100
    [[games]]
    id = "two"
    goods = {wood = {}}
    """
    loaded = load(write(tmp_path, text), {}, {})
    (tmp_path / "again").mkdir()
    assert load_settings(write(tmp_path / "again", list_settings(loaded)), {}, {}) == loaded.settings


def test_the_listing_of_no_games_is_no_games(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "games = []"), {}, {})
    assert loaded.settings.games == ()
    assert tomllib.loads("\n".join(reversed(list_settings(loaded).splitlines())))["games"] == []


def test_the_listing_says_where_each_value_came_from(tmp_path: Path) -> None:
    file = write(tmp_path, '[[games]]\nid = "one"\n[games.goods.grain.house]\nanchor = 5\n')
    lines = list_settings(load(file, {"TRADEGAME_LOG__LEVEL": "debug"}, {"server.port": 1})).splitlines()
    origins = {line.split("=")[0].strip(): line.rpartition("# ")[2] for line in lines if "=" in line}
    assert origins["port"] == "--port"
    assert origins["level"] == "TRADEGAME_LOG__LEVEL"
    assert origins["anchor"] == str(file)
    assert origins["spread"] == "default"


def test_the_config_file_that_comes_along_names_every_key_and_its_default() -> None:
    file = ROOT / "config.toml"
    assert load_settings(file, {}, {}) == Settings()
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    for section, keys in attrs.asdict(Settings(), recurse=True).items():
        if section != "games":
            assert list(data[section]) == list(keys)


def test_the_default_games_keep_their_own_ranges() -> None:
    assert load_settings(None, {}, {"games": [{"id": "x", "goods": {"a": {}}}]}).games != default_games()
