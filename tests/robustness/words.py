"""How reports put things."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


MOST = 4_000
"""Characters: more than a person reads of one thing."""


def shortened(what: object, most: int = MOST) -> str:
    """What may be long, as text: its beginning and its end."""
    text = str(what)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} … {len(text) - most // 2 * 2:,} characters … {text[-(most // 2) :]}"
