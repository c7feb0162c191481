"""Which names, pages and proxies are trusted."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.controller.wire import upgrade
from tradegame.controller.access import RECENT_S, REFUSALS_KEPT, Access, Visit
from tradegame.controller.forwarded import HOPS, plain_address, said_by_proxies
from tradegame.controller.head import MAX_COMMAS, Head, Refusal, parse_head
from tradegame.controller.http import pages
from tradegame.protocol.errors import BadRequestError


def head_of(target: str = "/ws", **headers: str) -> Head:
    return parse_head(upgrade(target, **headers))


def visit(access: Access, target: str = "/ws", peer: str = "127.0.0.1", **headers: str) -> Visit:
    return access.visit(head_of(target, **headers), peer, secure=False)


LOCAL = [
    "127.0.0.1:8765",
    "192.168.1.5:8765",
    "[::1]:8765",
    "localhost",
    "name.local:8765",
    "pc12",
    "a.b.lan",
    "x.internal",
    "pc.home",
    "pc.school.corp",
    "pc.localdomain",
    "pc.intranet:80",
]


@pytest.mark.parametrize("host", [*LOCAL, "NAME.LOCAL", "name.local."])
def test_a_name_that_only_the_local_network_gives_needs_no_setting(host: str) -> None:
    assert visit(Access(), Host=host).host == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "local",
        "x.local.evil.example",
        "a@localhost",
        "1.2.3.4.evil.example",
        "evil.example, a.localhost",
        "a b",
        "a.localhost, evil.example",
    ],
)
def test_any_other_name_is_refused_with_the_setting_that_allows_it(host: str) -> None:
    if host == "local":  # one word: nobody can have it
        assert visit(Access(), Host=host)
        return
    with pytest.raises(Refusal) as raised:
        visit(Access(), Host=host)
    assert (raised.value.status, raised.value.cause, raised.value.setting) == (421, "host", "server.hosts")
    assert host in str(raised.value)


@pytest.mark.parametrize(
    "access",
    [
        Access(hosts=["play.example"]),
        Access(hosts=["Play.Example"]),
        Access(hosts=["*.example"]),
        Access(hosts=["*"]),
        Access(names=["play.example"]),
        Access(advertise="wss://play.example/trade/ws"),
        Access(origins=["https://play.example"]),
    ],
)
def test_names_that_are_configured_are_allowed(access: Access) -> None:
    assert visit(access, Host="play.example:8765")


def test_a_wildcard_is_for_what_is_below() -> None:
    for host in ("example.org", "evilexample.org"):
        with pytest.raises(Refusal):
            visit(Access(hosts=["*.example.org"]), Host=host)
    assert visit(Access(hosts=["*.example.org"]), Host="a.b.example.org")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/reach?origin=x"])
def test_what_tells_of_troubles_is_answered_under_any_name(path: str) -> None:
    assert visit(Access(), path, Host="evil.example")


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        (Access(hosts=["play.example"]), True),
        (Access(advertise="wss://play.example/ws"), True),
        (Access(origins=["https://play.example"]), True),
        (Access(hosts=["*"]), False),
        (Access(advertise="wss://play.example:8443/ws"), False),
        (Access(), False),
    ],
)
def test_behind_a_proxy_that_does_not_hand_on_host_a_public_name_is_ours_if_configured(
    access: Access, allowed: bool
) -> None:
    host = visit(access, Host="upstream").host
    if allowed:
        access.check_origin("https://play.example", host)
    else:
        with pytest.raises(Refusal):
            access.check_origin("https://play.example", host)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "10.0.0.2"),
        ({"X_Forwarded_For": "203.0.113.9"}, "203.0.113.9"),
        ({"X_Forwarded_For": "6.6.6.6, 203.0.113.9"}, "203.0.113.9"),
        ({"X_Forwarded_For": "6.6.6.6, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"),
        ({"X_Forwarded_For": "10.0.0.7, 10.0.0.1"}, "10.0.0.7"),
        ({"X_Forwarded_For": "6.6.6.6, nonsense"}, "10.0.0.2"),
        ({"X_Forwarded_For": "6.6.6.6, nonsense, 10.0.0.1"}, "10.0.0.1"),
        ({"X_Forwarded_For": "203.0.113.9:4711"}, "203.0.113.9"),
        ({"X_Forwarded_For": "2001:db8::1"}, "2001:db8::1"),
        ({"X_Forwarded_For": "::ffff:203.0.113.9"}, "203.0.113.9"),
        ({"Forwarded": "for=203.0.113.9;proto=https;by=10.0.0.1"}, "203.0.113.9"),
        ({"Forwarded": 'for=6.6.6.6, For="[2001:db8::1]:4711"; host=x'}, "2001:db8::1"),
        ({"Forwarded": "for=6.6.6.6, for=unknown"}, "10.0.0.2"),
        ({"Forwarded": "for=6.6.6.6, =;"}, "10.0.0.2"),
        ({"Forwarded": "for=203.0.113.9", "X_Forwarded_For": "203.0.113.9"}, "203.0.113.9"),
        ({"Forwarded": "for=6.6.6.6", "X_Forwarded_For": "203.0.113.9"}, "10.0.0.2"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_proxy(headers: dict[str, str], address: str) -> None:
    access = Access(proxies=["10.0.0.0/8"])
    assert visit(access, peer="10.0.0.2", **headers).address == address
    assert visit(access, peer="203.0.113.1", **headers).address == "203.0.113.1", "only proxies are believed"
    assert visit(Access(), peer="10.0.0.2", **headers).address == "10.0.0.2", "nobody is, unless configured"


@pytest.mark.parametrize(
    "headers",
    [
        {"Forwarded": f'for={" " * 15_000}"'},
        {"Forwarded": f'for="{"a" * 15_000}'},
        {"Forwarded": f"{'a' * 15_000}"},
        {"Host": f"{'a.' * 7_900}a"},
        {"X_Forwarded_Host": f"{'a.' * 7_900}a"},
        {"X_Forwarded_For": "127.0.0.1," * (MAX_COMMAS - 1)},
        {"X_Forwarded_For": "::1," * (MAX_COMMAS - 601), "Forwarded": 'for="[::1]",' * 600},
    ],
    ids=lambda headers: "+".join(headers),
)
def test_no_head_takes_long(headers: dict[str, str]) -> None:
    """Of heads as large as they may be; the best of three, in CPU time."""
    access = Access(proxies=["127.0.0.1"], hosts=["*.example.org"])
    head, took = head_of(**headers), []
    for _ in range(3):
        begun = time.process_time()
        with contextlib.suppress(Refusal):
            access.visit(head, "127.0.0.1", secure=False)
        took.append(time.process_time() - begun)
    assert min(took) < 0.01


def test_what_stands_before_the_last_hops_is_not_looked_at() -> None:
    access = Access(proxies=["10.0.0.0/8"])
    hops = ", ".join(["6.6.6.6", *["10.0.0.1"] * HOPS])
    assert visit(access, peer="10.0.0.2", X_Forwarded_For=hops).address == "10.0.0.1"


async def test_a_refusal_that_is_kept_holds_no_connection() -> None:
    access = Access()
    with pytest.raises(Refusal) as raised:
        visit(access, Host="elsewhere.example")
    raised.value.head = head_of()
    access.note(raised.value, "192.0.2.1")
    assert raised.value.__traceback__ is None


def test_scheme_and_host_are_those_that_a_trusted_proxy_tells() -> None:
    access = Access(proxies=["10.0.0.1"], hosts=["play.example"])
    for headers in (
        {"X_Forwarded_Host": "play.example", "X_Forwarded_Proto": "https"},
        {"Forwarded": 'for=1.2.3.4;host="play.example";proto=https'},
    ):
        seen = visit(access, peer="10.0.0.1", Host="upstream", **headers)
        assert (seen.host, seen.secure) == ("play.example", True)
        unseen = visit(access, peer="10.0.0.2", Host="upstream", **headers)
        assert (unseen.host, unseen.secure) == ("upstream", False)


def test_a_rebound_name_does_not_pass_by_a_header_that_the_proxy_hands_on() -> None:
    with pytest.raises(Refusal):
        visit(Access(proxies=["10.0.0.1"]), peer="10.0.0.1", Host="evil.example", X_Forwarded_Host="localhost")


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("/ws", "/ws"),
        ("/trade/ws", "/ws"),
        ("/trade/", "/"),
        ("/trade/v1/games?x=1", "/v1/games?x=1"),
        ("/trader", "/trader"),
        ("/x/trade/ws", "/x/trade/ws"),
        ("http://localhost/trade/ws", "/ws"),
    ],
)
def test_a_prefix_is_taken_off_and_need_not_be_there(target: str, meant: str) -> None:
    assert visit(Access(prefix="/trade"), target).target == meant


def test_the_prefix_alone_is_sent_to_its_slash() -> None:
    with pytest.raises(Refusal) as raised:
        visit(Access(prefix="/trade"), "/trade?game=pit")
    assert (raised.value.status, raised.value.headers) == (308, (("Location", "/trade/?game=pit"),))


@pytest.mark.parametrize(
    ("target", "meant", "host"),
    [
        ("http://pc12:8765/ws", "/ws", "pc12:8765"),
        ("http://pc12", "/", "pc12"),
        ("HTTP://pc12?x=/y", "/?x=/y", "pc12"),
        ("/ws?next=http://x/", "/ws?next=http://x/", "localhost"),
        ("*", "*", "localhost"),
    ],
)
def test_of_a_whole_url_the_host_goes_before_the_header(target: str, meant: str, host: str) -> None:
    seen = visit(Access(), target, Host="localhost")
    assert (seen.target, seen.host) == (meant, host)
    with pytest.raises(Refusal):
        visit(Access(), "http://evil.example/ws", Host="localhost")


def test_a_page_is_told_why_and_what_to_set() -> None:
    async def told() -> None:
        access = Access()
        good = access.reach("1.1.1.1", "localhost:8765", "http://localhost:8765")
        assert (good.ok, good.reason, good.setting) == (True, None, None)
        other = access.reach("1.1.1.1", "upstream", "https://play.example")
        assert (other.ok, other.setting) == (False, "server.origins")
        assert access.reach("1.1.1.1", "evil.example", "http://evil.example").setting == "server.hosts"

    trio.run(told)


async def test_a_page_is_told_of_what_its_proxy_did_to_the_upgrade(autojump_clock: MockClock) -> None:

    access = Access()
    refusal = Refusal(BadRequestError("Upgrade is missing"), status=426, cause="upgrade")
    refusal.head = head_of(Origin="http://localhost")
    with capture_logs() as logs:
        access.note(refusal, "1.1.1.1")
    assert [(entry["event"], entry["cause"], entry["address"]) for entry in logs] == [
        ("request_refused", "upgrade", "1.1.1.1")
    ]
    assert access.refused == {"upgrade": 1}
    assert access.reach("1.1.1.1", "localhost", "http://localhost").reason == "Upgrade is missing"
    assert access.reach("2.2.2.2", "localhost", "http://localhost").ok
    assert access.reach("1.1.1.1", "127.0.0.1", "http://127.0.0.1").ok, "another page, at the same school"
    await trio.sleep(RECENT_S)
    assert access.reach("1.1.1.1", "localhost", "http://localhost").ok
    for i in range(2 * REFUSALS_KEPT):
        refusal.head = head_of()
        with capture_logs():
            access.note(refusal, f"a{i}")
    assert len(access._recent) == REFUSALS_KEPT


def test_an_address_is_compared_without_port_brackets_and_zone() -> None:
    for text, plain in (("[fe80::1%eth0]:80", "fe80::1"), ("1.2.3.4:5", "1.2.3.4"), ("_hidden", None), ("", None)):
        assert plain_address(text) == plain
    assert said_by_proxies(head_of()).hops == ()


def test_no_page_asks_for_an_address_from_the_root() -> None:
    """So that they work below any path under which a proxy shows them: static/js/common/urls.js."""
    site = Path(pages.__file__).parent / "site"
    rooted = re.compile(r"""(?:from|src=|href=|src:|href:|fetch\(|import\() ?["'`]/|location\.host\}/""")
    client = {site / "tradegame.js", *(site / "js" / "client").iterdir()}  # it is given the address
    files = [file for file in site.rglob("*") if file.suffix in (".js", ".html") and file not in client]
    found = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        if rooted.search(line)
    ]
    assert len(files) > 20
    assert found == []
