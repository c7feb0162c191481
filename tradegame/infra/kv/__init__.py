"""The repositories, written once over an ordered key-value store; etcd and SQLite are two of those."""

from tradegame.infra.kv.connections import KvConnectionRepository
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.kv.sessions import KvSessionRepository

__all__ = ["KvConnectionRepository", "KvGameStateRepository", "KvSessionRepository"]
