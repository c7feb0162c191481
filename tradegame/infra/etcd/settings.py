"""The settings of a connection to an etcd cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import grpc
from attrs import Attribute, field, frozen

from tradegame.infra.store_url import DEFAULT_PREFIX, parse_endpoint


def _as_tuple(endpoints: Iterable[str]) -> tuple[str, ...]:
    return tuple(endpoints)


def _check_endpoints(_: EtcdSettings, __: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError("etcd needs at least one endpoint")
    for endpoint in value:
        parse_endpoint(_without_scheme(endpoint))
    if len({endpoint.startswith("https://") for endpoint in value}) > 1:
        raise ValueError("either all endpoints of a cluster speak TLS or none does")


def _check_pair(self: EtcdSettings, _: Attribute[str], __: str) -> None:
    if bool(self.cert) != bool(self.key):
        raise ValueError("a client certificate needs both cert and key")


def _check_password(self: EtcdSettings, _: Attribute[str], __: str) -> None:
    if self.password and not self.user:
        raise ValueError("a password needs a user")


def _without_scheme(endpoint: str) -> str:
    return endpoint.removeprefix("http://").removeprefix("https://")


@frozen
class EtcdSettings:
    """``endpoints``: ``host:port`` or ``https://host:port`` of the members of one cluster.

    ``ca``, ``cert`` and ``key`` are paths of PEM files. TLS is used if an endpoint begins with ``https://`` or if
    ``ca`` or ``cert`` is given; without ``ca`` the server's certificate is checked against gRPC's own list. ``user``
    and ``password`` are for an etcd with authentication. ``prefix``: one key below it is read now and then to check
    that etcd answers; the user needs permission for it. ``timeout_s`` is the deadline of one call, failover included.
    Invalid values raise ValueError.
    """

    endpoints: tuple[str, ...] = field(converter=_as_tuple, validator=_check_endpoints)
    ca: str = ""
    cert: str = ""
    key: str = field(default="", validator=_check_pair)
    user: str = ""
    password: str = field(default="", repr=False, validator=_check_password)
    prefix: str = DEFAULT_PREFIX
    timeout_s: float = 2.0

    @property
    def addresses(self) -> tuple[str, ...]:
        """The endpoints as ``host:port``."""
        return tuple(parse_endpoint(_without_scheme(endpoint)) for endpoint in self.endpoints)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """For TLS, from the files; None without TLS. Raises OSError if a file cannot be read."""
        if not (self.ca or self.cert or self.endpoints[0].startswith("https://")):
            return None
        return grpc.ssl_channel_credentials(
            root_certificates=Path(self.ca).read_bytes() if self.ca else None,
            private_key=Path(self.key).read_bytes() if self.key else None,
            certificate_chain=Path(self.cert).read_bytes() if self.cert else None,
        )
