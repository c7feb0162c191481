"""A node's fence: what tells for certain that none of its writes can land any more (etcd).

A lease alone does not: a write that was handed to the store, or to the network, may land long after the node lost its
lease. So a node puts a key on its lease when it registers, and every append compares that key's ``mod_revision``. Once
the key is gone, or was written again, no write that compares the old revision can ever land: a revision does not come
back. See Kleppmann, "How to do distributed locking" (2016), on fencing tokens.
"""

from __future__ import annotations

import trio
from attrs import define, field

from tradegame.infra.kv.keys import ConnectionKeys
from tradegame.infra.kv.port import Compare, Put
from tradegame.utils.changes import Changes


@define(eq=False)
class Fence:
    """``revision``: where the key was written; 0 while there is none, and nothing can be appended."""

    _prefix: str
    key: str = ""
    revision: int = 0
    _changes: Changes = field(factory=Changes)

    def put(self, node: str, lease: int) -> Put:
        """To be written with the node's registration."""
        self.key = ConnectionKeys(self._prefix).fence(node)
        return Put(self.key, b"", lease)

    def raised(self, revision: int) -> None:
        """It was written there."""
        self.revision = revision
        self._changes.made()

    def fell(self, revision: int) -> None:
        """The one of that revision is gone, or the lease is: the node has to register anew."""
        if self.revision == revision:
            self.revision = 0

    @property
    def compare(self) -> Compare:
        return Compare(self.key, self.revision)

    async def wait(self, deadline: float) -> bool:
        """Wait until there is one, or the deadline on trio's clock. Returns whether there is."""
        with trio.CancelScope(deadline=deadline):
            while not self.revision:
                await self._changes.wait()
        return bool(self.revision)
