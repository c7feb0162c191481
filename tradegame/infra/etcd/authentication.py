"""The token for a user name and a password, if etcd requires authentication.

See https://etcd.io/docs/v3.5/op-guide/authentication/rbac/. A simple token expires after some minutes without use and
when a member restarts; the next call then fetches another.
"""

from __future__ import annotations

import grpc
import structlog
import trio
from attrs import define, field

from tradegame.core.repositories.errors import StoreUnavailableError
from tradegame.infra.etcd.errors import translate
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import rpc
from tradegame.infra.etcd.unary import Metadata, call_unary

log = structlog.get_logger(__name__)

# A member that is cut off from the others should refuse at once instead of waiting for them.
_HAS_LEADER = ("hasleader", "true")


@define(eq=False)
class Authentication:
    """Without a ``user`` there is no token. ``timeout_s`` limits each wait for one."""

    user: str
    password: str = field(repr=False)
    timeout_s: float
    _token: str | None = field(default=None, repr=False)
    _fetching: trio.Lock = field(factory=trio.Lock)

    async def metadata(self, member: Member) -> Metadata:
        """The metadata of each request. Raises StoreUnavailableError if no token can be fetched."""
        if self.user and self._token is None:
            await self._fetch(member)
        return (_HAS_LEADER, ("token", self._token)) if self._token else (_HAS_LEADER,)

    def expired(self, metadata: Metadata) -> bool:
        """etcd refused this metadata's token. Returns whether a retry with another token makes sense."""
        if not self.user:
            return False
        if ("token", self._token) in metadata or not self._token:
            self._token = None
        return True

    async def _fetch(self, member: Member) -> None:
        try:
            with trio.fail_after(self.timeout_s):
                async with self._fetching:
                    if self._token is None:
                        self._token = await self._authenticate(member)
        except trio.TooSlowError:
            raise StoreUnavailableError(f"etcd at {member.address}: no token in time", definite=True) from None

    async def _authenticate(self, member: Member) -> str:
        request = rpc.AuthenticateRequest(name=self.user, password=self.password)
        try:
            answer = await call_unary(member.authenticate, request, self.timeout_s, (_HAS_LEADER,))
        except grpc.RpcError as error:
            if "authentication is not enabled" in str(translate(error, member.address, write=False)):
                log.warning("etcd_authentication_is_off", endpoint=member.address, user=self.user)
                return ""
            raise translate(error, member.address, write=False) from error
        token: str = answer.token
        return token
