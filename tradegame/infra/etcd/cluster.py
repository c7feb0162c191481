"""Calls to whichever endpoint works: failover and deadlines."""

from __future__ import annotations

import enum
from operator import attrgetter
from typing import Any, Literal

import grpc
import structlog
import trio
from attrs import define

from tradegame.core.repositories.errors import (
    HistoryLostError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.infra.etcd.authentication import Authentication
from tradegame.infra.etcd.errors import ClosedError, RefusedError, translate
from tradegame.infra.etcd.liveness import Liveness
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import count_request
from tradegame.infra.etcd.settings import EtcdSettings
from tradegame.infra.etcd.unary import call_unary

log = structlog.get_logger(__name__)

# Between two rounds over all endpoints that failed at once.
_PAUSE_S = 0.1
# An attempt gets at least so much of what is left: a network may take a second for a round trip, and giving up each of
# three members too soon is no failover.
_PATIENCE_S = 1.4

Method = Literal["range", "transaction", "grant", "keep_alive", "revoke"]


class Effect(enum.Enum):
    """What a call does, and so whether it may be retried after an unknown outcome."""

    NONE = "a read"
    REPEATABLE = "idempotent"
    ONCE = "never retried once it may have arrived"


@define(eq=False)
class Cluster:
    """All members, and the one in use: calls stay with it until it fails. Whoever opened it closes it.

    Reads are linearizable, so the revision never goes back. If it does, the store was replaced by an older one, and
    from then on every call raises HistoryLostError.
    """

    members: tuple[Member, ...]
    authentication: Authentication
    liveness: Liveness
    _timeout_s: float
    _probe: Any
    _current: int = 0
    _newest: int = 0
    _went_back: str = ""

    @classmethod
    def open(cls, settings: EtcdSettings) -> Cluster:
        """Does not connect yet. Raises OSError if a file of the TLS settings cannot be read."""
        credentials = settings.credentials()
        return cls(
            tuple(Member.open(address, credentials) for address in settings.addresses),
            Authentication(settings.user, settings.password, settings.timeout_s),
            Liveness(),
            settings.timeout_s,
            count_request(f"{settings.prefix}/"),
        )

    def close(self) -> None:
        """End every call that is under way."""
        for member in self.members:
            member.close()

    @property
    def current(self) -> Member:
        return self.members[self._current]

    def after(self, member: Member) -> Member:
        """The member to try after this one failed."""
        return self.members[(self.members.index(member) + 1) % len(self.members)]

    async def probe(self) -> None:
        """A linearizable read that proves that the cluster answers. Raises StoreUnavailableError."""
        await self.call("range", self._probe, Effect.NONE)

    async def call(self, method: Method, request: Any, effect: Effect) -> Any:
        """Ask one member after the other until one answers, within the deadline.

        Raises StoreUnavailableError if none does, or at once if a write that must not be retried may have arrived; any
        other StoreError as etcd returned it.
        """
        if self._went_back:
            raise HistoryLostError(self._went_back)
        deadline = trio.current_time() + self._timeout_s
        untried = len(self.members)
        while True:
            member = self.current
            try:
                if effect is Effect.ONCE:
                    return await self._write(member, method, request, deadline)
                return await self._attempt(member, method, request, effect, self._share(deadline, untried))
            except RefusedError as error:
                self.liveness.refused(str(error))
                raise
            except (StoreFullError, StoreRefusedError, ClosedError):
                raise
            except StoreUnavailableError as error:
                self._move_on_from(member, error)
                untried -= 1
                pause = _PAUSE_S if untried <= 0 else 0.0
                unknown = effect is Effect.ONCE and not error.definite
                if unknown or trio.current_time() + pause >= deadline:
                    self.liveness.failed(str(error))
                    raise
                await trio.sleep(pause)

    async def _write(self, member: Member, method: Method, request: Any, deadline: float) -> Any:
        """Send a write once, to a member that is known to answer, so that a failure to connect is definite."""
        if not member.proven:
            # Half of the time is kept for what follows: the write, or another member.
            share = self._share(deadline, 1) / 2
            await self._attempt(member, "range", self._probe, Effect.NONE, share)
        left = deadline - trio.current_time()
        if left < self._timeout_s / 4:
            raise StoreUnavailableError(f"etcd at {member.address}: no time left for a write", definite=True)
        return await self._attempt(member, method, request, Effect.ONCE, left)

    def _share(self, deadline: float, untried: int) -> float:
        """This attempt's share of the remaining time, in s."""
        left = max(deadline - trio.current_time(), 0.0)
        return max(left / max(untried, 1), min(left, _PATIENCE_S))

    async def _attempt(self, member: Member, method: Method, request: Any, effect: Effect, timeout_s: float) -> Any:
        metadata = await self.authentication.metadata(member)
        try:
            return await self._send(member, method, request, effect, timeout_s, metadata)
        except RefusedError as error:
            if not (error.stale_token and self.authentication.expired(metadata)):
                raise
        metadata = await self.authentication.metadata(member)
        return await self._send(member, method, request, effect, timeout_s, metadata)

    async def _send(
        self, member: Member, method: Method, request: Any, effect: Effect, timeout_s: float, metadata: Any
    ) -> Any:
        newest = self._newest
        try:
            answer = await call_unary(attrgetter(method)(member), request, timeout_s, metadata)
        except grpc.RpcError as error:
            raise self._failure(error, member, effect) from error
        except ValueError as error:
            # gRPC's error for a closed channel
            raise ClosedError from error
        self._answered(member)
        if method in ("range", "transaction"):
            self._check_revision(newest, answer.header.revision, member)
        return answer

    def _check_revision(self, before: int, now: int, member: Member) -> None:
        """``before``: the newest revision known when the call was made."""
        self._newest = max(self._newest, now)
        if now < before:
            self._went_back = f"etcd at {member.address} is at revision {now} and was at {before}: is it a backup?"
            log.error("etcd_went_back", endpoint=member.address, revision=now, before=before)
            self.liveness.refused(self._went_back)
            raise HistoryLostError(self._went_back)

    def _failure(self, error: grpc.RpcError, member: Member, effect: Effect) -> StoreError:
        failure = translate(error, member.address, write=effect is not Effect.NONE)
        if not isinstance(failure, StoreUnavailableError) or isinstance(failure, StoreFullError):
            self._answered(member)
        return failure

    def _answered(self, member: Member) -> None:
        member.answered()
        self.liveness.answered()

    def _move_on_from(self, member: Member, error: StoreUnavailableError) -> None:
        """Use the next member for later calls. Many calls may fail on one member: only the first one moves on."""
        if member.proven:
            log.warning("etcd_endpoint_failed", endpoint=member.address, reason=str(error), definite=error.definite)
        member.proven = False
        if self.current is member:
            self._current = self.members.index(self.after(member))
