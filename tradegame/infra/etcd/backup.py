"""A snapshot of etcd, as ``etcdctl snapshot save`` makes it, from one member at any time."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import grpc

from tradegame.core.repositories.errors import StoreError, StoreUnavailableError
from tradegame.infra.etcd.errors import translate
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import rpc
from tradegame.infra.etcd.settings import EtcdSettings

DIGEST_BYTES = 32
"""A member sends its database, in blocks of 512 bytes, and after it the SHA-256 of all that."""
BLOCK = 512
WHOLE_S = 3_600.0


def save_snapshot(settings: EtcdSettings, file: BinaryIO) -> None:
    """Write the whole database of the first member that answers to ``file``, other prefixes than ours included.

    Blocks. Raises StoreError if no member sends a whole one; with authentication, only a user with the role ``root``
    may have it. Raises OSError if a file of the TLS settings cannot be read, or this one not written.
    """
    credentials = settings.credentials()
    failure: StoreError | None = None
    for address in settings.addresses:
        member = Member.open(address, credentials)
        file.seek(0)
        file.truncate()
        try:
            _receive(member, settings, file)
            return
        except grpc.RpcError as error:
            failure = translate(error, address, write=False)
        except StoreUnavailableError as error:
            failure = error
        finally:
            member.close()
    assert failure is not None
    try:
        raise failure
    finally:
        del failure


def _receive(member: Member, settings: EtcdSettings, file: BinaryIO) -> None:
    metadata = []
    if settings.user:
        request = rpc.AuthenticateRequest(name=settings.user, password=settings.password)
        metadata = [("token", member.authenticate(request, timeout=settings.timeout_s).token)]
    digest, kept, size = hashlib.sha256(), b"", 0
    for part in member.snapshot(rpc.SnapshotRequest(), timeout=WHOLE_S, metadata=metadata):
        file.write(part.blob)
        size += len(part.blob)
        kept += part.blob
        digest.update(kept[:-DIGEST_BYTES])
        kept = kept[-DIGEST_BYTES:]
    if size % BLOCK != DIGEST_BYTES or digest.digest() != kept:
        raise StoreUnavailableError(f"etcd at {member.address}: the snapshot broke off", definite=True)
