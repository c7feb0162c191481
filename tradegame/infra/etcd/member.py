"""One endpoint of the cluster: its channels, and the calls that it offers."""

from __future__ import annotations

from typing import Any

import grpc
from attrs import define

from tradegame.infra.etcd.messages import rpc

# A watch that lags may be sent a thousand revisions in one message, and a limit would break it for ever in the same
# place. etcd limits what is written, so the sum has a bound.
_NO_LIMIT = -1

_OPTIONS = (
    ("grpc.max_receive_message_length", _NO_LIMIT),
    ("grpc.max_send_message_length", _NO_LIMIT),
    # A cut network is noticed within 13 s by the connection itself (watches and calls notice sooner). etcd bears no
    # pings more often than every 5 s and none without a stream (--grpc-keepalive-min-time).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # One attempt to connect may take 3 s (a slow network needs two ways there and back), and the next comes at most
    # 1 s later, where gRPC would go up to 2 min.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Another client's failures to connect are not ours.
    ("grpc.use_local_subchannel_pool", 1),
    # Neither a proxy from the environment nor a retry policy from DNS: nothing may repeat a write.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
)


@define(eq=False)
class Member:
    """``proven``: it answered last time, so a connection stands. Else a write is not tried before a read.

    ``close`` ends every call on it.
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
    proven: bool = False

    @classmethod
    def open(cls, address: str, credentials: grpc.ChannelCredentials | None) -> Member:
        """Nothing connects yet: gRPC does that with the first call."""

        def connect() -> grpc.Channel:
            if credentials is None:
                return grpc.insecure_channel(address, options=_OPTIONS)
            return grpc.secure_channel(address, credentials, options=_OPTIONS)

        # gRPC has one thread a channel that hands out whatever comes in. Watches on the channel of busy calls
        # fell far behind them (200 events/s beside 2000 calls/s); on one of their own they keep up.
        channel, watches = connect(), connect()
        kv, lease = rpc.KVStub(channel), rpc.LeaseStub(channel)
        return cls(
            address,
            (channel, watches),
            range=kv.Range,
            transaction=kv.Txn,
            grant=lease.LeaseGrant,
            # A stream in etcd's interface, of which we need one message either way; on the wire that is
            # a unary call, and as one it needs no thread.
            keep_alive=channel.unary_unary(
                "/etcdserverpb.Lease/LeaseKeepAlive",
                request_serializer=rpc.LeaseKeepAliveRequest.SerializeToString,
                response_deserializer=rpc.LeaseKeepAliveResponse.FromString,
            ),
            revoke=lease.LeaseRevoke,
            authenticate=rpc.AuthStub(channel).Authenticate,
            watch=rpc.WatchStub(watches).Watch,
        )

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
