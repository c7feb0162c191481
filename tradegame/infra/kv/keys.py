"""Where everything is in the store. See "Keys in the store" in docs/architecture.md."""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.repositories.game_states import SnapshotRef
from tradegame.infra.kv.port import KeyRange
from tradegame.protocol.bounds import ID_PATTERN


def check_game_id(game: str) -> str:
    """Raises ValueError if it is not a game's id, and could lead to another game's keys."""
    if ID_PATTERN.match(game) is None:
        raise ValueError(f"{game!r} is no game id")
    return game


def check_part(text: str) -> str:
    """Raises ValueError if it cannot be one part of a key."""
    if not text or "/" in text:
        raise ValueError(f"{text!r} cannot be part of a key")
    return text


def between(first: str, last: str) -> KeyRange:
    """The keys from ``first`` to ``last``, both included: the successor of ``last`` is ``last`` and a NUL."""
    return KeyRange(first, last + "\0")


@frozen
class GameKeys:
    """The keys of one game. In key order: the log by generation, ``meta``, the snapshots, ``tail``."""

    prefix: str
    game: str = field(converter=check_game_id)

    @property
    def root(self) -> str:
        return f"{self.prefix}/games/{self.game}/"

    @property
    def all(self) -> KeyRange:
        return KeyRange.prefix(self.root)

    @property
    def catalog(self) -> str:
        """A small key that exists while the game does; the list of games consists of these."""
        return f"{self.prefix}/catalog/{self.game}"

    @property
    def meta(self) -> str:
        return f"{self.root}meta"

    @property
    def log(self) -> str:
        return f"{self.root}log/"

    @property
    def log_and_meta(self) -> KeyRange:
        return between(self.log, self.meta)

    def entry(self, generation: int, entry_id: str) -> str:
        return f"{self.log}{generation:08d}/{check_part(entry_id)}"

    @property
    def tail(self) -> str:
        """Written with the game and with every entry: its ``mod_revision`` is the newest entry's."""
        return f"{self.root}tail"

    def log_between(self, first: int, last: int) -> KeyRange:
        """The log of these generations, both included."""
        return KeyRange(f"{self.log}{first:08d}/", f"{self.log}{last + 1:08d}/")

    def log_before(self, generation: int) -> KeyRange:
        return KeyRange(self.log, f"{self.log}{generation:08d}/")

    def snapshot_before(self, generation: int) -> KeyRange:
        return KeyRange(f"{self.root}snapshot/", f"{self.root}snapshot/{generation:08d}/")

    def snapshot(self, reference: SnapshotRef) -> str:
        """The folder of one snapshot's parts. Contains the digest: two nodes may save the same snapshot at once, and if
        one of them has diverged, their parts must not mix.
        """
        return f"{self.root}snapshot/{reference.generation:08d}/{check_part(reference.digest[:16])}/"

    def part(self, reference: SnapshotRef, part: int) -> str:
        return f"{self.snapshot(reference)}{part:05d}"

    def parse_entry(self, key: str) -> tuple[int, str]:
        """The generation and the entry's id."""
        generation, entry_id = key[len(self.log) :].split("/", 1)
        return int(generation), entry_id


@frozen
class SessionKeys:
    """Players and sessions are neighbours in key order, so that one watch sees both."""

    prefix: str

    @property
    def players(self) -> str:
        return f"{self.prefix}/players/"

    @property
    def sessions(self) -> str:
        return f"{self.prefix}/sessions/"

    def player(self, player: str) -> str:
        return self.players + check_part(player)

    def session(self, session: str) -> str:
        return self.sessions + check_part(session)

    def code(self, code: str) -> str:
        return f"{self.prefix}/codes/{check_part(code)}"

    @property
    def secret(self) -> str:
        return f"{self.prefix}/secret"

    @property
    def both(self) -> KeyRange:
        return KeyRange(self.players, KeyRange.prefix(self.sessions).end)


@frozen
class ConnectionKeys:
    """Nodes and their connections."""

    prefix: str

    @property
    def nodes(self) -> KeyRange:
        return KeyRange.prefix(f"{self.prefix}/nodes/")

    @property
    def connections(self) -> KeyRange:
        return KeyRange.prefix(f"{self.prefix}/connections/")

    def node(self, node: str) -> str:
        return self.nodes.start + check_part(node)

    def fence(self, node: str) -> str:
        return f"{self.prefix}/fences/{check_part(node)}"

    def connection(self, node: str, connection: str) -> str:
        return f"{self.connections.start}{check_part(node)}/{check_part(connection)}"
