"""The embedded store: etcd's data model in one SQLite file, for one process."""

from tradegame.infra.embedded.database import vacuum
from tradegame.infra.embedded.store import SqliteStore, open_sqlite

__all__ = ["SqliteStore", "open_sqlite", "vacuum"]
