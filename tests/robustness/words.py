"""How reports put things."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
