"""What a store may answer instead of a result. Every adapter raises these and no others."""


class StoreError(Exception):
    """The base of everything that a store raises on purpose."""


class StoreUnavailableError(StoreError):
    """The store did not answer in time, or cannot be reached.

    ``definite`` is True when it is certain that the request had no effect, False when nobody
    knows (a write was sent, no answer came back).
    """

    def __init__(self, message: str, *, definite: bool) -> None:
        super().__init__(message)
        self.definite = definite


class StoreFullError(StoreUnavailableError):
    """The store has no room left (etcd: NOSPACE). Nothing was written; reads go on."""

    def __init__(self, message: str) -> None:
        super().__init__(message, definite=True)


class StoreRefusedError(StoreUnavailableError):
    """The store does not take this request, now or later: it is too large, or invalid. Nothing was written.

    What was refused whole may be taken in smaller parts; the same request again is refused again.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, definite=True)


class CompactedError(StoreError):
    """A watch or a read began at a place whose history is gone: read anew, then watch from there."""


class LeaseLostError(StoreError):
    """The lease expired or was revoked, and every key that hung on it is gone."""


class GameExistsError(StoreError):
    """A game of that id is already there."""


class GameGoneError(StoreError):
    """The game is not there, or is another life of it (its epoch changed)."""


class CallReusedError(StoreError):
    """The key of a host's call stood for another call."""


class CallDoneError(StoreError):
    """An earlier copy of a host's call did it."""


class HistoryLostError(StoreError):
    """The store is older than it was before: restored from a backup, most likely, or damaged.

    Nothing that was read from it before holds, so whoever gets this has to begin anew.
    """


class CorruptStoreError(StoreError):
    """A value in the store cannot be read: not ours, damaged, or of a newer schema."""
