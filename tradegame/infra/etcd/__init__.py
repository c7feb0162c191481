"""The etcd store: a KeyValueStore over any number of endpoints of one cluster. Only this folder imports etcd3."""

import os

# gRPC's C core writes to stderr past every logger, which would break a log of JSON lines. Its messages are in its
# errors, which are logged.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from tradegame.infra.etcd.client import EtcdClient, open_etcd
from tradegame.infra.etcd.settings import EtcdSettings

__all__ = ["EtcdClient", "EtcdSettings", "open_etcd"]
