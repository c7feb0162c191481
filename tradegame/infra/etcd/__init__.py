"""The etcd store: a KeyValueStore over any number of endpoints of one cluster. Only this folder imports etcd3."""

import os

# etcd3 0.12's generated messages are older than protobuf 4: its C implementation refuses them ("Descriptors cannot be
# created directly"), its Python implementation accepts them. protobuf chooses once, when it is first imported, so this
# must run before anything here imports etcd3.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
# gRPC's C core writes to stderr past every logger, which would break a log of JSON lines. Its messages are in its
# errors, which are logged.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from tradegame.infra.etcd.client import EtcdClient, open_etcd
from tradegame.infra.etcd.settings import EtcdSettings

__all__ = ["EtcdClient", "EtcdSettings", "open_etcd"]
