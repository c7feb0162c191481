"""What is nested too deep is refused before a parser recurses into it."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.test_caps import cpu_s
from tradegame.controller.websocket.codec import decode
from tradegame.controller.websocket.errors import DecodeError
from tradegame.protocol.bounds import MAX_DEPTH, TOO_DEEP, too_deep

JSON = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('[]{}"\\a')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('[{"\\')), inner, max_size=3),
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.integers(0, MAX_DEPTH + 5))
def test_it_is_what_is_nested_deeper_and_nothing_else(value: object, deeper: int) -> None:
    for _ in range(deeper):
        value = [value, "[" * MAX_DEPTH]
    assert too_deep(json.dumps(value)) == (depth(value) > MAX_DEPTH)


@pytest.mark.parametrize("text", ['"' + "[" * 100, '"' + "[" * 100 + "\\", "]" * 100 + "[", "[}" * 100])
def test_what_no_parser_would_enter_is_left_to_the_parser(text: str) -> None:
    assert not too_deep(text)


@pytest.mark.parametrize("unit", ["[", "[]", '""', '"",', '\\"', '"\\a', "a"])
def test_to_look_takes_as_long_as_the_text(unit: str) -> None:
    short, long = ("[" * (MAX_DEPTH + 1) + unit * (size // len(unit)) for size in (2_048, 65_536))
    assert cpu_s(lambda: too_deep(long), 3) < 200 * cpu_s(lambda: too_deep(short), 3)


@pytest.fixture
def collected_at_each_step() -> Iterator[None]:
    def anything(phase: str, info: object) -> None:
        pass

    before = gc.get_threshold()
    gc.callbacks.append(anything)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(anything)


@pytest.mark.usefixtures("collected_at_each_step")
@pytest.mark.parametrize("field", ["", '{"op":"ping","x":'])
def test_nothing_that_tidies_up_fails_unseen(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unseen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unseen.append)
    with pytest.raises(DecodeError, match=TOO_DEEP):
        decode(field + "[" * 8_000 + "]" * 8_000)
    assert not unseen
