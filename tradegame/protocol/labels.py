"""What a host calls people by: labels, as students' numbers are, and the patterns that numbers have.

Used at the edge alone, as ``names`` is: a game compares the looks that its log holds.
"""

from __future__ import annotations

import unicodedata

from tradegame.protocol.names import fold, is_printable

LABEL_EXPECTED = "1 to 64 printable characters with no space at either end"
PATTERN_EXPECTED = (
    "# for a digit, @ for a letter, * for either, [ ] around what may be left out, and other letters, digits,"
    " - . _ / for themselves"
)
_KINDS = {"#": str.isdecimal, "@": str.isalpha, "*": str.isalnum}
_THEMSELVES = "-._/"

_Step = tuple[str, bool]
"""A character of a pattern, and whether it may be left out."""


def look(label: str) -> str:
    """What is compared: neither case nor spaces nor the form of a letter tell two labels apart."""
    return unicodedata.normalize("NFC", fold("".join(label.split())))


def is_label(label: str) -> bool:
    """Whether a text of the length of a label may be one."""
    return is_printable(label) and bool(look(label))


def is_pattern(pattern: str) -> bool:
    """Whether a text is a pattern that some number can have. Brackets do not nest."""
    steps = _steps(pattern)
    return steps is not None and any(not optional for _, optional in steps)


def matches(pattern: str, label: str) -> bool:
    """Whether a label has the pattern, which ``is_pattern``.

    All the ways to read it are followed at once, so the time is at most the product of the two lengths.
    """
    steps = _steps(pattern) or []
    at = _skipped({0}, steps)
    for character in look(label):
        at = _skipped({place + 1 for place in at if place < len(steps) and _fits(steps[place][0], character)}, steps)
    return len(steps) in at


def _fits(step: str, character: str) -> bool:
    kind = _KINDS.get(step)
    return character == step if kind is None else kind(character)


def _skipped(at: set[int], steps: list[_Step]) -> set[int]:
    """With the places behind what may be left out."""
    for place in sorted(at):
        while place < len(steps) and steps[place][1]:
            place += 1
            at.add(place)
    return at


def _steps(pattern: str) -> list[_Step] | None:
    """None for what is no pattern."""
    steps, optional = list[_Step](), False
    for character in fold(pattern):
        if character in "[]":
            if optional == (character == "["):
                return None
            optional = not optional
        elif character in _KINDS or character.isalnum() or character in _THEMSELVES:
            steps.append((character, optional))
        else:
            return None
    return None if optional else steps
