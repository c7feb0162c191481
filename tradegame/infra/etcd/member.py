"""One endpoint of the cluster: its channels and calls."""

from __future__ import annotations

from typing import Any

import grpc
from attrs import define

from tradegame.infra.etcd.messages import rpc

# A watch that lags may get a thousand revisions in one message, and a limit would break it at the same place for ever.
# etcd limits each write, so the sum has a bound.
_NO_LIMIT = -1

_OPTIONS = (
    ("grpc.max_receive_message_length", _NO_LIMIT),
    ("grpc.max_send_message_length", _NO_LIMIT),
    # The connection itself notices a cut network within 13 s (watches and calls notice sooner). etcd allows pings every
    # 5 s at most, and none without a stream (--grpc-keepalive-min-time).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # One attempt to connect may take 3 s (two round trips of a slow network), and the next starts at most 1 s later,
    # where gRPC would wait up to 2 min.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Do not share another client's failures to connect.
    ("grpc.use_local_subchannel_pool", 1),
    # Neither a proxy from the environment nor a retry policy from DNS: nothing may repeat a write.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
)


@define(eq=False)
class Member:
    """``proven``: it answered last time, so a connection exists. Otherwise a read precedes a write. ``close`` ends
    every call on it.
    """

    address: str
    _channels: tuple[grpc.Channel, ...]
    range: Any
    transaction: Any
    grant: Any
    keep_alive: Any
    revoke: Any
    authenticate: Any
    watch: Any
    snapshot: Any
    _hold: Any
    proven: bool = False
    _held: Any = None

    @classmethod
    def open(cls, address: str, credentials: grpc.ChannelCredentials | None) -> Member:
        """Does not connect yet: gRPC does that at the first call."""

        def connect() -> grpc.Channel:
            if credentials is None:
                return grpc.insecure_channel(address, options=_OPTIONS)
            return grpc.secure_channel(address, credentials, options=_OPTIONS)

        # gRPC has one thread per channel that delivers whatever arrives. Watches on the channel of busy calls fell far
        # behind (200 events/s beside 2000 calls/s); on their own channel they keep up.
        channel, watches = connect(), connect()
        kv, lease = rpc.KVStub(channel), rpc.LeaseStub(channel)
        return cls(
            address,
            (channel, watches),
            range=kv.Range,
            transaction=kv.Txn,
            grant=lease.LeaseGrant,
            # In etcd's interface this is a stream, of which we need one message each way. On the wire that is a unary
            # call, which needs no thread.
            keep_alive=channel.unary_unary(
                "/etcdserverpb.Lease/LeaseKeepAlive",
                request_serializer=rpc.LeaseKeepAliveRequest.SerializeToString,
                response_deserializer=rpc.LeaseKeepAliveResponse.FromString,
            ),
            revoke=lease.LeaseRevoke,
            authenticate=rpc.AuthStub(channel).Authenticate,
            watch=rpc.WatchStub(watches).Watch,
            snapshot=rpc.MaintenanceStub(channel).Snapshot,
            hold=channel.unary_stream(
                "/etcdserverpb.Watch/Watch",
                request_serializer=rpc.WatchRequest.SerializeToString,
                response_deserializer=rpc.WatchResponse.FromString,
            ),
        )

    def answered(self) -> None:
        """It is proven now. Also keeps one call under way on the channel of the others: a watch of nothing.

        gRPC starts a thread for a call when there is none, and the caller waits until that thread runs.
        """
        self.proven = True
        if self._held is None or self._held.done():
            self._held = self._hold(rpc.WatchRequest())

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
