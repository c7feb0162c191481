"""etcd's messages: C makes and reads them, and they are to the byte what etcd3's own generated code made."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.internal import api_implementation

from tradegame.infra.etcd import etcd3_messages, messages
from tradegame.infra.etcd.messages import rpc, watch_event, watch_request
from tradegame.infra.kv.port import (
    Compare,
    Delete,
    Event,
    Get,
    KeyRange,
    KeyValuePair,
    Put,
    RangeResult,
    TransactionResult,
)

GAME = "tg/games/bazaar/"
ENTRY = f"{GAME}log/00000001/n1-7"
REQUESTS: dict[str, tuple[Any, str]] = {
    "an append": (
        messages.transaction_request(
            [Compare(f"{GAME}meta", 41), Compare(ENTRY, 0), Compare("tg/fences/n1", 17)],
            [Put(ENTRY, b'{"at":1790000000000,"commands":[{"op":"buy"}]}'), Put(f"{GAME}tail", b"")],
            [Get(KeyRange(ENTRY)), Get(KeyRange(f"{GAME}meta"))],
        ),
        "0a1a10021a1474672f67616d65732f62617a6161722f6d65746130290a2710021a2174672f67616d65732f62617a6161722f6c6f672f"
        "30303030303030312f6e312d3730000a1210021a0c74672f66656e6365732f6e313011125512530a2174672f67616d65732f62617a61"
        "61722f6c6f672f30303030303030312f6e312d37122e7b226174223a313739303030303030303030302c22636f6d6d616e6473223a5b"
        "7b226f70223a22627579227d5d7d121812160a1474672f67616d65732f62617a6161722f7461696c1a250a230a2174672f67616d6573"
        "2f62617a6161722f6c6f672f30303030303030312f6e312d371a180a160a1474672f67616d65732f62617a6161722f6d657461",
    ),
    "a put on a lease, and deletes": (
        messages.transaction_request(
            [],
            [
                Put("tg/nodes/n1", b"\x00\xff", 7587862094990346253),
                Delete(KeyRange.prefix("tg/a/")),
                Delete(KeyRange("tg/b")),
            ],
            [],
        ),
        "121d121b0a0b74672f6e6f6465732f6e31120200ff188d90b4c4f88be0a66912101a0e0a0574672f612f120574672f613012081a060a"
        "0474672f62",
    ),
    "a range": (messages.range_request(KeyRange("tg/a", "tg/é"), 5), "0a0474672f61120574672fc3a91805"),
    "a count": (messages.count_request("tg/a"), "0a0474672f614801"),
    "a watch": (
        watch_request(KeyRange.prefix("tg/games/"), 1 << 40),
        "0a1f0a0974672f67616d65732f120974672f67616d657330188080808080202001",
    ),
    "a lease": (rpc.LeaseGrantRequest(TTL=10), "080a"),
}
HEADER = "0a1a08aaf4e5f599f3ebe7d101108df2f48ec1f7a6d7bd01"


def test_protobuf_runs_in_c() -> None:
    assert api_implementation.Type() == "upb"


@pytest.mark.parametrize(("request_", "recorded"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_what_etcd3s_generated_code_made_of_it(request_: Any, recorded: str) -> None:
    assert request_.SerializeToString().hex() == recorded


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (f"{HEADER}1802200210011a0612040a0218021a0612040a021802", TransactionResult(True, 2)),
        (
            f"{HEADER}180220021a280a260a02180212100a036b2f611002180220012a036f6e65120c0a046b2fc3a910021802200120021a06"
            "0a040a021802",
            TransactionResult(False, 2, ((KeyValuePair("k/a", b"one", 2, 2), KeyValuePair("k/é", b"", 2, 2)), ())),
        ),
        (f"{HEADER}1803200210011a081a060a02180310011a0612040a021803", TransactionResult(True, 3)),
    ],
)
def test_a_transactions_answer_from_a_real_etcd_is_read(answer: str, result: TransactionResult) -> None:
    assert messages.transaction_result(rpc.TxnResponse.FromString(bytes.fromhex(answer))) == result


def test_a_ranges_answer_from_a_real_etcd_is_read() -> None:
    answer = rpc.RangeResponse.FromString(bytes.fromhex(f"{HEADER}18032002120f0a036b2f631003180320012a0200ff18012002"))
    assert messages.range_result(answer) == RangeResult(3, (KeyValuePair("k/c", b"\x00\xff", 3, 3),), more=True)


def test_a_watchs_responses_from_a_real_etcd_are_read() -> None:
    created = rpc.WatchResponse.FromString(bytes.fromhex(f"{HEADER}180120021801"))
    assert created.created
    assert not created.canceled
    response = rpc.WatchResponse.FromString(
        bytes.fromhex(
            f"{HEADER}180320025a1212100a036b2f611002180220012a036f6e655a0e120c0a046b2fc3a91002180220015a0b080112070a036b"
            "2f6118035a11120f0a036b2f631003180320012a0200ff"
        )
    )
    assert response.header.revision == 3
    assert [watch_event(each) for each in response.events] == [
        Event("k/a", b"one", 2, 2),
        Event("k/é", b"", 2, 2),
        Event("k/a", None, 3),
        Event("k/c", b"\x00\xff", 3, 3),
    ]


def test_another_etcd3_than_was_expected_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd3_messages, "_FILES", ("kv", "lease"))
    with pytest.raises(ImportError, match=r"no descriptor of lease\.proto"):
        etcd3_messages.load()
