"""An etcd that wants a user and a password, and one that speaks TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trio

from tests.contract.helpers import DEADLINE_S
from tests.support.etcd import EtcdServer
from tradegame.core.repositories.errors import StoreUnavailableError
from tradegame.infra.etcd import EtcdSettings, open_etcd
from tradegame.infra.etcd.messages import rpc
from tradegame.infra.kv.port import Compare, KeyRange, Put
from tradegame.infra.store_url import parse_store_url


@pytest.fixture
async def server() -> AsyncIterator[EtcdServer]:
    async with EtcdServer() as server:
        yield server


async def on_auth(server: EtcdServer, ask: Callable[[Any], object]) -> None:
    """Call etcd's own administration."""

    def run() -> None:
        with grpc.insecure_channel(server.endpoint) as channel:
            ask(rpc.AuthStub(channel))

    await trio.to_thread.run_sync(run)


def turn_on(auth: Any) -> None:
    auth.UserAdd(rpc.AuthUserAddRequest(name="root", password="secret"), timeout=5)
    auth.RoleAdd(rpc.AuthRoleAddRequest(name="root"), timeout=5)
    auth.UserGrantRole(rpc.AuthUserGrantRoleRequest(user="root", role="root"), timeout=5)
    auth.UserAdd(rpc.AuthUserAddRequest(name="guest", password="guest"), timeout=5)
    auth.AuthEnable(rpc.AuthEnableRequest(), timeout=5)


async def test_a_user_with_the_password_reads_writes_and_watches(server: EtcdServer) -> None:
    await on_auth(server, turn_on)
    async with open_etcd(EtcdSettings((server.endpoint,), user="root", password="secret", timeout_s=5)) as client:
        written = (await client.transaction([Compare("a", 0)], [Put("a", b"1")])).revision
        async with client.watch(KeyRange("a"), written - 1) as watch:
            with trio.fail_after(DEADLINE_S):
                assert (await watch.receive()).revision == written
        assert await client.keep_alive(await client.grant(60)) == 60


async def test_a_token_that_etcd_forgot_is_fetched_again(server: EtcdServer) -> None:
    await on_auth(server, turn_on)
    async with open_etcd(EtcdSettings((server.endpoint,), user="root", password="secret", timeout_s=5)) as client:
        written = (await client.transaction([], [Put("a", b"1")])).revision
        async with client.watch(KeyRange("a"), written) as watch:
            # Simple tokens live in the server's memory.
            await trio.to_thread.run_sync(server.kill)
            await trio.to_thread.run_sync(server.start)
            again = (await client.transaction([], [Put("a", b"2")])).revision
            with trio.fail_after(DEADLINE_S):
                assert (await watch.receive()).revision == again


async def test_a_client_without_a_user_gets_to_know_it_when_authentication_is_turned_on(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        await client.range(KeyRange("a"))
        await on_auth(server, turn_on)
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError, match="user name is empty") as caught:
            await client.transaction([], [Put("a", b"1")])
        assert caught.value.definite
        assert "user name is empty" in str(client.ready())


@pytest.mark.parametrize(
    ("user", "password", "complaint"),
    [("root", "wrong", "authentication failed"), ("guest", "guest", "permission denied")],
)
async def test_a_wrong_password_or_right_is_told_at_once(
    server: EtcdServer, user: str, password: str, complaint: str
) -> None:
    await on_auth(server, turn_on)
    async with open_etcd(EtcdSettings((server.endpoint,), user=user, password=password, timeout_s=5)) as client:
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError, match=complaint) as caught:
            await client.range(KeyRange("a"))
        assert caught.value.definite
        assert password not in str(caught.value) or password == user
        assert complaint in str(client.ready())


async def test_a_password_for_an_etcd_that_wants_none_does_no_harm(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,), user="root", password="secret", timeout_s=5)) as client:
        await client.range(KeyRange("a"))
        await on_auth(server, turn_on)
        await client.range(KeyRange("a"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, and a key that it signed for 127.0.0.1, for server and client alike."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make certificates with")
    directory = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, timeout=30)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
    openssl("req", *new_key, "-keyout", "it.key", "-out", "it.csr", "-subj", "/CN=root")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "it.csr", *signed_by, "-out", "it.pem", "-days", "2")
    return directory


@pytest.fixture
async def tls_server(certificates: Path) -> AsyncIterator[EtcdServer]:
    arguments = [
        f"--cert-file={certificates / 'it.pem'}",
        f"--key-file={certificates / 'it.key'}",
        f"--trusted-ca-file={certificates / 'ca.pem'}",
        "--client-cert-auth",
    ]
    async with EtcdServer(arguments, https=True) as server:
        yield server


async def test_tls_with_a_client_certificate(tls_server: EtcdServer, certificates: Path) -> None:
    endpoints = parse_store_url(tls_server.url).endpoints
    ca, cert, key = (str(certificates / name) for name in ("ca.pem", "it.pem", "it.key"))
    async with open_etcd(EtcdSettings(endpoints, ca=ca, cert=cert, key=key)) as client:
        written = (await client.transaction([], [Put("a", b"1")])).revision
        async with client.watch(KeyRange("a"), written - 1) as watch:
            with trio.fail_after(DEADLINE_S):
                assert (await watch.receive()).revision == written


async def test_a_server_that_another_ca_signed_is_not_talked_to(tls_server: EtcdServer) -> None:
    endpoints = parse_store_url(tls_server.url).endpoints
    async with open_etcd(EtcdSettings(endpoints, timeout_s=0.5)) as client:
        with pytest.raises(StoreUnavailableError) as caught:
            await client.transaction([], [Put("a", b"1")])
        assert caught.value.definite


async def test_a_ca_that_cannot_be_read_stops_the_start(server: EtcdServer, tmp_path: Path) -> None:
    async def start() -> None:
        async with open_etcd(EtcdSettings((server.endpoint,), ca=str(tmp_path / "missing.pem"))):
            pass

    with pytest.raises(FileNotFoundError):
        await start()
