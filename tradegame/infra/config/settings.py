"""Every setting, with its default and its range. config.toml and docs/OPERATIONS.md say what each is for."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from attrs import field, frozen

from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.groups import group_ids
from tradegame.infra.config.definitions import default_games
from tradegame.infra.config.structuring import RULE, Rule
from tradegame.infra.store_url import EXPECTED, parse_endpoint, parse_store_url

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("console", "json")

_ORIGIN = re.compile(r"https?://[^/\s?#@]+\Z|\*\Z|null\Z")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+/?\Z")
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z|\*\Z")
_PATH_PREFIX = re.compile(r"((/[A-Za-z0-9._~-]+)+)?\Z")
_ADVERTISE = "a ws:// or wss:// URL with its path, such as wss://one.example.org/ws"
_HOST_TOKEN = "at least 16 characters, of printable ASCII without spaces"
_URL_LENGTH = 256


def _integer(default: int, low: int, high: int) -> Any:
    rule = Rule(f"an integer from {low} to {high}", lambda value: low <= value <= high)
    return field(default=default, metadata={RULE: rule})


def _one_of(default: str, choices: tuple[str, ...]) -> Any:
    rule = Rule(f"one of {', '.join(choices)}", lambda value: value in choices)
    return field(default=default, metadata={RULE: rule})


def _secret() -> Any:
    rule = Rule("a string without line breaks", lambda value: value.isprintable(), secret=True)
    return field(default="", repr=lambda value: repr(value and "***"), metadata={RULE: rule})


def is_host_token(token: str) -> bool:
    """Long enough not to be guessed, and with characters that are allowed in an HTTP header."""
    return len(token) >= 16 and token.isascii() and token.isprintable() and " " not in token


def _text(default: str = "") -> Any:
    return field(default=default, metadata={RULE: Rule("a string without line breaks", str.isprintable)})


def _is_store_url(url: str) -> bool:
    parse_store_url(url)
    return True


def _is_websocket_url(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme not in ("ws", "wss") or len(url) > _URL_LENGTH or authority.startswith(("0.0.0.0", "[::]")):
        return False
    try:
        parse_endpoint(authority)
    except ValueError:
        return False
    return _PATH.match(slash + path) is not None


def _are_origins(origins: tuple[str, ...]) -> bool:
    return all(map(_ORIGIN.match, origins))


def _are_hosts(hosts: tuple[str, ...]) -> bool:
    return all(map(_HOST_NAME.match, hosts))


def _are_networks(networks: tuple[str, ...]) -> bool:
    for each in networks:
        ipaddress.ip_network(each, strict=False)  # its ValueError names the invalid one
    return True


@frozen(kw_only=True)
class ServerSettings:
    """Where to listen. ``port`` 0 takes a free one. ``origins``: allowed values of a browser's Origin besides our own.

    ``hosts``: names under which the server is reached, besides IP addresses and names that only a local network has.
    ``proxies``: addresses and networks whose ``Forwarded`` and ``X-Forwarded-…`` are trusted. ``path_prefix``: a path
    below which a proxy serves us, whether it strips it or not. ``advertise``: the URL at which clients reach this node
    from outside, which ``hello`` tells them on every node. Empty: derived from ``host`` and ``port``, and the machine's
    name if it listens on every network. ``tls_cert`` and ``tls_key`` are PEM files; both or neither. An orderly
    shutdown takes at most ``shutdown_grace_s``.
    """

    host: str = _text("127.0.0.1")
    port: int = _integer(8765, 0, 65_535)
    advertise: str = field(default="", metadata={RULE: Rule(_ADVERTISE, lambda url: not url or _is_websocket_url(url))})
    origins: tuple[str, ...] = field(
        default=(), metadata={RULE: Rule("a list of origins, such as https://example.org", _are_origins)}
    )
    hosts: tuple[str, ...] = field(
        default=(), metadata={RULE: Rule("a list of names, such as example.org or *.example.org", _are_hosts)}
    )
    proxies: tuple[str, ...] = field(
        default=(), metadata={RULE: Rule("a list of addresses and networks, such as 10.0.0.0/8", _are_networks)}
    )
    path_prefix: str = field(
        default="",
        metadata={RULE: Rule("a path such as /trade", lambda path: bool(_PATH_PREFIX.match(path)))},
    )
    tls_cert: str = _text()
    tls_key: str = _text()
    shutdown_grace_s: int = _integer(5, 1, 300)


@frozen(kw_only=True)
class StoreSettings:
    """Where games are stored. All but ``url`` is for etcd: PEM files for TLS, and a user with a password."""

    url: str = field(default="embedded:tradegame.db", metadata={RULE: Rule(EXPECTED, _is_store_url)})
    ca: str = _text()
    cert: str = _text()
    key: str = _text()
    user: str = _text()
    password: str = _secret()


@frozen(kw_only=True)
class LimitSettings:
    """Limits on what clients may use. Per player: ``commands_per_s``, and a ``burst`` at once.
    ``address_commands_per_s``: all players of one address together; 0: a hundred times ``commands_per_s``.
    ``frame_bytes``: the largest frame from a client. ``outbox_bytes``: how much may wait for a slow reader, besides one
    frame, before it is closed with 4001; ``outboxes_bytes``: how much may wait for all clients together. The others
    count connections.
    """

    commands_per_s: int = _integer(20, 1, 1_000_000)
    burst: int = _integer(40, 1, 1_000_000)
    address_commands_per_s: int = _integer(0, 0, 100_000_000)
    frame_bytes: int = _integer(16_384, 1_024, 1_048_576)
    outbox_bytes: int = _integer(262_144, 4_096, 1_073_741_824)
    outboxes_bytes: int = _integer(268_435_456, 1_048_576, 1_099_511_627_776)
    max_connections: int = _integer(20_000, 1, 1_000_000)
    connections_per_address: int = _integer(2_000, 1, 1_000_000)
    connections_per_player: int = _integer(8, 1, 10_000)


@frozen(kw_only=True)
class SessionSettings:
    """A session expires ``expires_s`` seconds after its last use, a guest's after an hour, and each ``max_age_s``
    seconds after it began. The server pings every ``heartbeat_s`` seconds.
    """

    expires_s: int = _integer(7_776_000, 1, 315_360_000)
    max_age_s: int = _integer(31_536_000, 1, 3_153_600_000)
    heartbeat_s: int = _integer(20, 1, 3_600)


@frozen(kw_only=True)
class AdminSettings:
    """``token``: authorizes the host's HTTP calls. Empty: the server generates one, and keeps it beside the store."""

    token: str = field(
        default="",
        repr=lambda value: repr(value and "***"),
        metadata={RULE: Rule(_HOST_TOKEN, lambda token: not token or is_host_token(token), secret=True)},
    )


@frozen(kw_only=True)
class LogSettings:
    """``level``: the lowest that is logged. ``format``: console for people, json for machines."""

    level: str = _one_of("info", LOG_LEVELS)
    format: str = _one_of("console", LOG_FORMATS)


@frozen(kw_only=True)
class Settings:
    """All settings. ``games`` are created if they do not exist."""

    server: ServerSettings = field(factory=ServerSettings)
    store: StoreSettings = field(factory=StoreSettings)
    limits: LimitSettings = field(factory=LimitSettings)
    session: SessionSettings = field(factory=SessionSettings)
    admin: AdminSettings = field(factory=AdminSettings)
    log: LogSettings = field(factory=LogSettings)
    games: tuple[GameDefinition, ...] = field(factory=default_games)


def problems(settings: Settings) -> list[tuple[str, str]]:
    """What is wrong with settings that are each valid: paths and messages."""
    found = []
    for section, one, other in (("server", "tls_cert", "tls_key"), ("store", "cert", "key")):
        first, second = (getattr(getattr(settings, section), name) for name in (one, other))
        if bool(first) != bool(second):
            missing, given = (other, one) if first else (one, other)
            found.append((f"{section}.{missing}", f"missing: {section}.{given} is set, and one needs the other"))
    if settings.store.password and not settings.store.user:
        found.append(("store.user", "missing: store.password is set"))
    seen: dict[str, int] = {}
    for index, game in enumerate(settings.games):
        for made in (game.id, *group_ids(game)):
            if made in seen:
                found.append((f"games[{index}].id", f'"{made}" is already the id of games[{seen[made]}]'))
            seen.setdefault(made, index)
    return found
