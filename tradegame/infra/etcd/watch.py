"""A watch that survives broken connections, silent ones and failed endpoints, without gap or repeat.

What is trusted in a response, and why:

- Events come in whole revisions, since no fragments are requested. Some versions of etcd send events twice after a
watch has caught up: what is not newer than the last one delivered is dropped.

- A progress notice that etcd sends by itself (every 10 min by default) carries a revision up to which everything was
delivered. The answer to a progress *request* may run ahead of events (https://github.com/etcd-io/etcd/issues/15220, in
3.4 and in 3.5 before 3.5.8): it is a sign of life and nothing else.

- ``header.revision`` beside events is the store's, which may be far ahead of the events while a watch catches up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import structlog
import trio
from attrs import define, field

from tradegame.core.repositories.errors import CompactedError, StoreError
from tradegame.infra.etcd.cluster import Cluster
from tradegame.infra.etcd.errors import ClosedError, RefusedError, watch_cancelled
from tradegame.infra.etcd.liveness import Pulse
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import is_answer_to_progress_request, watch_event, watch_request
from tradegame.infra.etcd.stream import WatchStream
from tradegame.infra.kv.port import Event, EventBatch, KeyRange
from tradegame.utils.trouble import Trouble

log = structlog.get_logger(__name__)

_BATCHES = 4
ENOUGH_EVENTS = 64
"""Others may run after so many: a response may hold 10 000 of one revision, such as the keys of a node that died."""
_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


@define(eq=False)
class EtcdWatch:
    """``run`` feeds it and must be running somewhere; ``receive`` is the reader's side of a bounded channel."""

    _cluster: Cluster
    _keys: KeyRange
    _last: int
    _pulse: Pulse = field(factory=Pulse)
    _opened: bool = False
    _end: StoreError = field(factory=ClosedError)
    _trouble: Trouble = field(init=False)
    _sender: trio.MemorySendChannel[EventBatch] = field(init=False)
    _receiver: trio.MemoryReceiveChannel[EventBatch] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._trouble = Trouble("etcd_watch_broke", "etcd_watch_resumed", {"keys": self._keys.start}, mild=True)
        self._sender, self._receiver = trio.open_memory_channel(_BATCHES)

    async def receive(self) -> EventBatch:
        """The next batch. Raises CompactedError; StoreUnavailableError once the watch or the client is closed."""
        try:
            return await self._receiver.receive()
        except trio.EndOfChannel:
            raise self._end from None

    async def run(self) -> None:
        """Feed the reader until the watch meets a compaction or is cancelled."""
        self._cluster.liveness.watches.add(self._pulse)
        try:
            await self._feed()
        except CompactedError as error:
            log.warning("etcd_watch_compacted", keys=self._keys.start, last=self._last)
            self._end = error
        finally:
            self._cluster.liveness.watches.discard(self._pulse)
            self._sender.close()

    async def _feed(self) -> NoReturn:
        member = self._cluster.current
        pause = 0.0
        while True:
            try:
                await self._stream(member)
            except CompactedError:
                raise
            except StoreError as error:
                # At once if it worked before; otherwise with growing delay, so that a missing permission can be granted
                # meanwhile.
                pause = 0.0 if self._opened else min(pause + _PAUSE_S, _LONGEST_PAUSE_S)
                pause = _LONGEST_PAUSE_S if isinstance(error, RefusedError) else pause
                self._trouble.happened(endpoint=member.address, reason=str(error))
            await trio.sleep(pause)
            current = self._cluster.current
            member = self._cluster.after(member) if member is current else current

    async def _stream(self, member: Member) -> None:
        self._opened = False
        metadata = await self._cluster.authentication.metadata(member)

        async def deliver(responses: Sequence[Any]) -> None:
            ended = next((index for index, each in enumerate(responses) if each.canceled), len(responses))
            if ended:
                self._opened = True
                self._trouble.over()
                self._pulse.heard()
                for batch in new_batches(responses[:ended], self._last):
                    if batch is None:
                        await trio.lowlevel.checkpoint()
                        continue
                    with self._pulse.reading():
                        await self._sender.send(batch)
                    self._last = batch.revision
            if ended < len(responses):
                raise watch_cancelled(responses[ended], member.address)

        try:
            stream = WatchStream.open(member, watch_request(self._keys, self._last + 1), metadata, self._pulse)
            await stream.read(deliver)
        except RefusedError as error:
            if error.stale_token:
                self._cluster.authentication.expired(metadata)
            raise


def new_batches(responses: Sequence[Any], last: int) -> Iterator[EventBatch | None]:
    """What the responses contain past the revision ``last``, in order.

    A batch ends with the revision that brings it to ``ENOUGH_EVENTS``. It is decoded when it is asked for, so that a
    caller that awaits between two batches lets others run. None: so many events of one revision were decoded, and
    there are more.
    """
    reached = last
    events: list[Event] = []
    for response in responses:
        before = reached
        for message in response.events:
            revision = message.kv.mod_revision
            if revision <= before:
                continue
            if len(events) >= ENOUGH_EVENTS and revision > reached:
                yield EventBatch(reached, tuple(events))
                events = []
            elif events and len(events) % ENOUGH_EVENTS == 0:
                yield None
            events.append(watch_event(message))
            reached = revision
        if not (response.events or response.created or is_answer_to_progress_request(response)):
            reached = max(reached, response.header.revision)
    if reached > last:
        yield EventBatch(reached, tuple(events))
