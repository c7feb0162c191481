"""Where games live: an ordered log of entries a game, snapshots of the state, and a ``meta`` that fences both.

The log is cut into *generations*. Whoever finds the current one long enough raises it (one
compare-and-write on ``meta``); since every append also compares ``meta``, no entry of an older
generation can land after that, so the state at the boundary is the same on every node. That node
then saves the state as the snapshot of the new generation, and what lies before the last but one
snapshot is deleted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from attrs import frozen


@frozen
class SnapshotRef:
    """A complete snapshot: the state as it was when ``generation`` began.

    ``digest`` is the state's hash (hex), ``parts`` the number of stored parts, ``seq`` the
    number of the last frame before it.
    """

    generation: int
    digest: str
    parts: int
    seq: int


@frozen
class GameMeta:
    """What the store says about one game. ``revision`` is where this version of it was written.

    ``definition`` is the game's definition as plain JSON data, ``epoch`` names this life of the
    game, ``rules`` is the version of the rules it is played by, ``created_at`` is in ms since the Unix
    epoch, ``seed`` starts its chance. ``snapshots``: at most two, oldest first.
    """

    game: str
    definition: dict[str, Any]
    epoch: str
    rules: int
    seed: int
    created_at: int
    generation: int = 1
    snapshots: tuple[SnapshotRef, ...] = ()
    revision: int = 0


@frozen
class HostCall:
    """A host's call that happens once: its ``key``, and a digest of all that it asks."""

    key: str
    digest: str


@frozen
class LogEntry:
    """One entry of a game's log, as it was stored. ``id`` is what the appending node named it."""

    revision: int
    generation: int
    id: str
    value: bytes


@frozen
class Appended:
    """What became of an append. ``meta``: the newest that was seen.

    ``entry``: as it was stored, and ``after``: the revision of the log's newest entry before it, or at which the game
    was made. Without an entry only the watch tells where it stands: an attempt went without an answer, or the watch of
    this store is as fast.
    """

    meta: GameMeta
    entry: LogEntry | None = None
    after: int = 0


@frozen
class MetaChanged:
    """The game's meta was written: its generation raised, or a snapshot completed."""

    revision: int
    meta: GameMeta


@frozen
class GameDeleted:
    """This life of the game is over. Nothing more comes."""

    revision: int


@frozen
class StoredGame:
    """A game as it can be rebuilt from the store.

    ``snapshot`` is the state at the beginning of ``base_generation`` (None: the game's very start, generation 1);
    the log from there up to ``revision`` leads to the present.
    """

    meta: GameMeta
    revision: int
    base_generation: int
    snapshot: bytes | None


@frozen
class GameListed:
    """A game appeared, changed (``meta``) or is gone (``meta`` is None), or cannot be read: ``unreadable`` says why."""

    game: str
    meta: GameMeta | None
    unreadable: str | None = None


@frozen
class StoredGames:
    """Every game of the store at ``revision``, by id. ``unreadable``: those that are there and cannot be read; why."""

    revision: int
    metas: tuple[GameMeta, ...]
    unreadable: Mapping[str, str]


class GameWatch(Protocol):
    """A watch on one game, or on the list of games. A single task receives from it."""

    async def receive(self) -> Sequence[LogEntry | MetaChanged | GameDeleted]:
        """What happened next, in the store's order; may be empty (a sign of life).

        Raises CompactedError when what comes next is gone: read the game anew.
        """
        ...


class GameListWatch(Protocol):
    async def receive(self) -> Sequence[GameListed]: ...


class GameStateRepository(Protocol):
    """All games. Every method may raise StoreUnavailableError; none waits for ever."""

    async def create(self, meta: GameMeta, call: HostCall | None = None) -> GameMeta:
        """Store a new game; returns its meta with the revision. Raises GameExistsError.

        Asked again by the same ``call`` it returns what that made, or raises GameGoneError; CallReusedError if the
        call's key stood for another.
        """
        ...

    async def list(self) -> StoredGames:
        """Every game of the store."""
        ...

    async def get(self, game: str) -> StoredGame:
        """The newest meta and the base to replay from. Raises GameGoneError."""
        ...

    def entries(self, stored: StoredGame) -> AsyncIterator[Sequence[LogEntry]]:
        """The log from ``stored``'s base up to its revision, in order, in pages.

        Raises CompactedError when it was trimmed meanwhile: ``get`` again.
        """
        ...

    async def newest_after(self, game: str, revision: int) -> int | None:
        """The revision of the log's newest entry, or at which the game was made, if after ``revision``; else None.

        Of a game that is gone, the store's present revision: who waits for it hears from the game's watch that it is
        over. Costs one small read.
        """
        ...

    async def update(self, meta: GameMeta, entry_id: str, value: bytes) -> Appended:
        """Append one entry to the game's log, exactly once.

        ``entry_id`` must be new for each entry (node and number). At most 1 MiB. A timeout is looked into and
        sent again until it is known or the adapter's deadline passes; StoreUnavailableError tells by ``definite``
        whether it may have landed. Raises GameGoneError when this life of the game is over.
        """
        ...

    async def raise_generation(self, meta: GameMeta) -> GameMeta | None:
        """Begin the next generation. None: somebody changed ``meta`` first."""
        ...

    async def save_snapshot(
        self, meta: GameMeta, generation: int, digest: str, seq: int, state: bytes
    ) -> GameMeta | None:
        """Save the state at the beginning of ``generation``, then trim what nobody needs any more.

        None: it is not wanted any more (another one was saved, or the game is gone).
        """
        ...

    async def delete(self, game: str, call: HostCall | None = None) -> bool:
        """Delete a game with its log and snapshots, at once. False: there was none.

        Raises CallDoneError if an earlier copy of the ``call`` did, CallReusedError if its key stood for another.
        """
        ...

    def watch(self, meta: GameMeta, after_revision: int) -> AbstractAsyncContextManager[GameWatch]:
        """What happens in this game after ``after_revision``, for this life of it."""
        ...

    def watch_list(self, after_revision: int) -> AbstractAsyncContextManager[GameListWatch]:
        """Which games appear, change and go, after ``after_revision``."""
        ...

    def ready(self) -> str | None:
        """None while the store can serve; else the reason why not."""
        ...
