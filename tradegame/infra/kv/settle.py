"""Writes whose answer was lost: retry until the outcome is known."""

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
    """Sends transactions until they are answered, all before one deadline (on trio's clock).

    Only for transactions whose comparisons fail once they have happened: sent twice they happen once, and the failure
    branch shows what is there. ``uncertain``: an attempt went without an answer, so a failed comparison may be our own
    doing.
    """

    _kv: KeyValueStore
    _deadline: float
    uncertain: bool = False

    @classmethod
    def within(cls, kv: KeyValueStore, seconds: float) -> Settling:
        return cls(kv, trio.current_time() + seconds)

    @property
    def deadline(self) -> float:
        return self._deadline

    async def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation] = ()
    ) -> TransactionResult:
        """Raises StoreUnavailableError at the deadline, with ``definite=False`` if any attempt was uncertain.

        A full store is not retried, unless the outcome of an earlier attempt is unknown. What the store refuses is
        raised at once.
        """
        pause_s = _FIRST_PAUSE_S
        reason = "the deadline passed"
        while True:
            answered = False
            with trio.CancelScope(deadline=self._deadline):
                try:
                    return await self._kv.transaction(compare, success, failure)
                except StoreRefusedError as error:
                    if self.uncertain:  # this refusal says nothing about an earlier attempt
                        raise StoreUnavailableError(str(error), definite=False) from error
                    raise
                except StoreFullError as error:
                    # etcd says this also of the write that took it over its quota, which did happen.
                    self.uncertain = self.uncertain or not await self._untouched(compare)
                    if not self.uncertain:
                        raise
                    answered, reason = True, str(error)
                except StoreUnavailableError as error:
                    answered, reason = True, str(error)
                    self.uncertain |= not error.definite
            # Cut off by the deadline while under way; it may still arrive.
            self.uncertain |= not answered
            # Random, so that the nodes hit by one fault do not retry together.
            wait_s = pause_s * random.uniform(0.5, 1.5)
            if trio.current_time() + wait_s >= self._deadline:
                raise StoreUnavailableError(f"the store did not answer in time: {reason}", definite=not self.uncertain)
            await trio.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _untouched(self, compare: Sequence[Compare]) -> bool:
        """Whether nothing has changed, so that nothing was done. Uses plain reads, which a full etcd answers."""
        try:
            for each in compare:
                pairs = (await self._kv.range(KeyRange(each.key, f"{each.key}\0"), limit=1)).pairs
                if (pairs[0].mod_revision if pairs else 0) != each.mod_revision:
                    return False
        except StoreUnavailableError:
            return False
        return True
