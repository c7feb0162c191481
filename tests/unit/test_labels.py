"""Labels and the patterns of numbers."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradegame.protocol.labels import is_label, is_pattern, look, matches


def test_neither_case_nor_spaces_nor_the_form_of_letters_tell_labels_apart() -> None:
    assert look(" S 12 34 ") == look("s1234") == look("\uff331\uff1234") == "s1234"
    assert look("Müller") == look("mu\u0308ller") == "müller" != look("muller")


@pytest.mark.parametrize("label", [" ", "a\nb", "a ", "\u200b", "\u202eabc"])
def test_a_label_can_be_seen(label: str) -> None:
    assert not is_label(label)


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("########", ("12345678", "1234 5678"), ("1234567", "123456789", "1234567a", "")),
        ("s#####[##]", ("S12345", "s1234567"), ("s1234", "12345", "s12345678")),
        ("@@-##", ("ab-12", "Éa-12"), ("ab12", "a1-12")),
        ("*[*][*]", ("a", "1b", "x9z"), ("", "abcd", "-")),
        ("[#]@[#]", ("a", "1a", "a1", "1a1"), ("1", "11a")),
    ],
)
def test_a_pattern_says_what_numbers_look_like(pattern: str, right: tuple[str, ...], wrong: tuple[str, ...]) -> None:
    assert is_pattern(pattern)
    assert [label for label in right if not matches(pattern, label)] == []
    assert [label for label in wrong if matches(pattern, label)] == []


@pytest.mark.parametrize("pattern", ["", "[#]", "[", "]#", "#[[#]]", "#]", "(#)", "#+", ".*?", " #", "#\n"])
def test_what_no_number_can_have_is_no_pattern(pattern: str) -> None:
    assert not is_pattern(pattern)


def _as_regex(pattern: str) -> str:
    """What an engine that backtracks makes of it: right, and slow at worst."""
    pieces, optional = [], False
    for character in pattern:
        if character in "[]":
            optional = character == "["
            continue
        kind = {"#": r"\d", "@": r"[^\W\d_]", "*": r"[^\W_]"}.get(character, re.escape(character))
        pieces.append(kind + ("?" if optional else ""))
    return "".join(pieces)


pieces = st.text("#@*a1-", min_size=1, max_size=4)
patterns = st.lists(st.tuples(pieces, pieces), min_size=1, max_size=3).map(
    lambda pairs: "".join(f"{must}[{may}]" for must, may in pairs)
)


@given(patterns, st.text("a1b2-", max_size=12))
def test_it_matches_as_a_regular_expression_would(pattern: str, label: str) -> None:
    assert is_pattern(pattern)
    assert matches(pattern, label) == bool(re.fullmatch(_as_regex(pattern), label))


def test_no_pattern_is_slow() -> None:
    pattern, label = f"[{'#' * 31}]{'#' * 31}", "1" * 30
    assert len(pattern) == 64
    begun = time.perf_counter()
    for _ in range(10):
        assert not matches(pattern, label)
    assert (time.perf_counter() - begun) / 10 < 0.05  # a regular expression takes 2^30 steps
