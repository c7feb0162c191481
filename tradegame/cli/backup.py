"""``tradegame backup``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from tradegame.cli.exits import give_up
from tradegame.cli.options import ConfigFile, Store, settings_of

if TYPE_CHECKING:
    from tradegame.infra.config import Settings


ANSWER_S = 600
"""How long a server may take for a copy: a very large one on a slow disk."""


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; one that is there is replaced.")],
    config: ConfigFile = None,
    store: Store = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the server is reached (its host and port in config.toml).")
    ] = None,
) -> None:
    """Save everything that the store has, while servers run.

    [bold]tradegame backup --config config.toml /backup/tradegame.db[/bold]
    With the embedded store, the server makes the copy, and is asked for it with the admin token; if none runs, the file
    is copied. With etcd, a member makes a snapshot: an etcd with users gives one to its root user only.

    The copy is checked, and is there whole or not at all. docs/OPERATIONS.md, section 7, says how to restore it.
    """
    settings = settings_of(config, {} if store is None else {"store.url": store})
    from http.client import HTTPException

    from tradegame.core.repositories import StoreError
    from tradegame.infra.store_url import parse_store_url

    embedded = parse_store_url(settings.store.url).kind != "etcd"
    part = target.with_name(f"{target.name}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            (_copy_embedded if embedded else _snapshot_etcd)(settings, url, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if embedded:
            from tradegame.infra.embedded.backup import check

            check(part)
        size = part.stat().st_size
        part.replace(target)
    except (OSError, StoreError, HTTPException) as error:
        part.unlink(missing_ok=True)
        give_up(f"no backup was made: {_why(error)}")
    typer.echo(f"{target}: {size:,} bytes, sound")


def _snapshot_etcd(settings: Settings, url: str | None, part: Path) -> None:
    from tradegame.infra.etcd.backup import save_snapshot
    from tradegame.infra.stores import etcd_settings

    with part.open("r+b") as file:
        save_snapshot(etcd_settings(settings.store), file)


def _copy_embedded(settings: Settings, url: str | None, part: Path) -> None:
    from urllib.error import URLError

    from tradegame.infra.store_url import parse_store_url

    path = parse_store_url(settings.store.url).path
    try:
        with part.open("r+b") as file:
            _ask(settings, url, path, file)
    except URLError as error:
        unheard = isinstance(error.reason, ConnectionRefusedError)
        if url is not None or not unheard or not Path(path).is_file():
            raise
        _copy_unused(path, part)


def _ask(settings: Settings, url: str | None, path: str, file: BinaryIO) -> None:
    """Ask the server."""
    import shutil
    import ssl
    from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

    server, trust = settings.server, ssl.create_default_context()
    if url is None:
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
        host = f"[{host}]" if ":" in host else host
        url = f"http{'s' if server.tls_cert else ''}://{host}:{server.port}{server.path_prefix}"
        if server.tls_cert:  # this machine's own: known by its certificate, whatever the name in it
            trust.check_hostname = False
            trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            trust.load_verify_locations(server.tls_cert)
    kept = Path(f"{path}.token")
    token = settings.admin.token or (kept.read_text().strip() if kept.is_file() else "")
    request = Request(f"{url.rstrip('/')}/v1/backup", headers={"Authorization": f"Bearer {token}"})
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=trust))
    with opener.open(request, timeout=ANSWER_S) as answer:
        shutil.copyfileobj(answer, file, 1 << 20)
        if file.tell() != int(answer.headers["Content-Length"]):
            raise ConnectionError("the server broke off")


def _copy_unused(path: str, part: Path) -> None:
    """Copy the file of a server that does not run, and keep one from starting meanwhile."""
    from contextlib import closing
    from shutil import copyfile

    from tradegame.infra.embedded.database import open_database

    with closing(open_database(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copyfile(path, part)


def _why(error: Exception) -> str:
    import json
    from urllib.error import HTTPError, URLError

    if isinstance(error, HTTPError):
        try:
            said = json.loads(error.read())["error"]["message"]
        except (ValueError, KeyError, TypeError, OSError):
            said = error.reason
        return f"the server answers {error.code}: {said}"
    if isinstance(error, URLError):
        return f"the server does not answer: {error.reason} (--url says where it is)"
    return str(error)
