"""Real reverse proxies in front of a server: nginx, HAProxy and Caddy, as Debian packages them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradegame.cluster.processes.ports import quiet_ports

DEADLINE_S = 30.0
Configure = Callable[[int, int, Path], str]
"""Its port, the server's, and a folder of its own: the text of its configuration."""


def nginx(upstream: str, locations: str = "") -> Configure:
    """``upstream``: more lines of its upstream; ``locations``: instead of those of docs/OPERATIONS.md."""

    def configure(port: int, server: int, folder: Path) -> str:
        user = "user root;" if os.getuid() == 0 else ""
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return f"""
            {user} daemon off; master_process off; pid {folder}/pid; error_log stderr;
            events {{ worker_connections 256; }}
            http {{
                {temporary}
                access_log off;
                upstream tradegame {{ server 127.0.0.1:{server}; {upstream} }}
                server {{
                    listen 127.0.0.1:{port};
                    {locations or NGINX_LOCATIONS}
                }}
            }}
        """

    return configure


NGINX_HEADERS = """
    proxy_pass http://tradegame;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
"""
NGINX_LOCATIONS = f"""
    location = /ws {{
        {NGINX_HEADERS}
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_buffering off;
    }}
    location / {{
        {NGINX_HEADERS}
        proxy_set_header Connection "";
    }}
"""


def haproxy(reuse: str = "always") -> Configure:
    def configure(port: int, server: int, folder: Path) -> str:
        return f"""
defaults
    mode http
    option forwardfor
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend front
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    http-reuse {reuse}
    server one 127.0.0.1:{server}
"""

    return configure


def caddy() -> Configure:
    def configure(port: int, server: int, folder: Path) -> str:
        return f"""
{{
    admin off
    auto_https off
}}
http://:{port} {{
    reverse_proxy 127.0.0.1:{server}
}}
"""

    return configure


COMMANDS = {
    "nginx": ["-c"],
    "haproxy": ["-db", "-f"],
    "caddy": ["run", "--adapter", "caddyfile", "--config"],
}


@contextlib.contextmanager
def reverse_proxy(program: str, configure: Configure, server: int, folder: Path) -> Iterator[int]:
    """The port at which the proxy listens. Skips where it is not installed; in CI it fails."""
    binary = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed, and in CI nothing is skipped")
        pytest.skip(f"{program} is not installed")
    (port,) = quiet_ports(1)
    file = folder / f"{program}.conf"
    file.write_text(configure(port, server, folder))
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    log = folder / f"{program}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, *COMMANDS[program], str(file)], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + DEADLINE_S
        while True:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
