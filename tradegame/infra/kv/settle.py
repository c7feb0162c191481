"""Writes whose answer got lost: ask again until it is known what became of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import trio
from attrs import define

from tradegame.core.repositories.errors import StoreFullError, StoreRefusedError, StoreUnavailableError
from tradegame.infra.kv.port import Compare, KeyRange, KeyValueStore, Operation, TransactionResult

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5


@define
class Settling:
    """Sends transactions until they are answered, all of them before one deadline (in trio's clock).

    Only for transactions whose comparisons fail once they have happened: sent twice they happen once, and
    the failure branch shows what is there. ``uncertain``: a try went without an answer, so that the failed
    comparison may be our own doing.
    """

    _kv: KeyValueStore
    _deadline: float
    uncertain: bool = False

    @classmethod
    def within(cls, kv: KeyValueStore, seconds: float) -> Settling:
        return cls(kv, trio.current_time() + seconds)

    async def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation] = ()
    ) -> TransactionResult:
        """Raises StoreUnavailableError at the deadline, with ``definite=False`` if any try was uncertain.

        A full store is not asked again, unless an earlier try is to be found out about. What the store refuses
        it refuses again: that is raised at once.
        """
        pause_s = _FIRST_PAUSE_S
        reason = "the deadline passed"
        while True:
            answered = False
            with trio.CancelScope(deadline=self._deadline):
                try:
                    return await self._kv.transaction(compare, success, failure)
                except StoreRefusedError as error:
                    if self.uncertain:  # what an earlier try did, this refusal does not tell
                        raise StoreUnavailableError(str(error), definite=False) from error
                    raise
                except StoreFullError as error:
                    # etcd says this of the very write that took it over its quota, too, and that one is done.
                    self.uncertain = self.uncertain or not await self._untouched(compare)
                    if not self.uncertain:
                        raise
                    answered, reason = True, str(error)
                except StoreUnavailableError as error:
                    answered, reason = True, str(error)
                    self.uncertain |= not error.definite
            # Cut off by the deadline: it was under way, and may still arrive.
            self.uncertain |= not answered
            # Random, so that the nodes that a fault struck together do not come back together.
            wait_s = pause_s * random.uniform(0.5, 1.5)
            if trio.current_time() + wait_s >= self._deadline:
                raise StoreUnavailableError(f"the store did not answer in time: {reason}", definite=not self.uncertain)
            await trio.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _untouched(self, compare: Sequence[Compare]) -> bool:
        """Whether all is as it was before: then nothing was done. By plain reads, which a full etcd answers."""
        try:
            for each in compare:
                pairs = (await self._kv.range(KeyRange(each.key, f"{each.key}\0"), limit=1)).pairs
                if (pairs[0].mod_revision if pairs else 0) != each.mod_revision:
                    return False
        except StoreUnavailableError:
            return False
        return True
