"""Numbers that can be read from the back of the room."""

from __future__ import annotations

_DIGITS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
}
_GAP = "  "


def large(number: int) -> str:
    """Three lines. ``number`` is not negative."""
    return "\n".join(_GAP.join(_DIGITS[digit][line] for digit in str(number)) for line in range(3))


def large_width(number: int) -> int:
    """The width of ``large(number)``, in columns."""
    digits = len(str(number))
    return 3 * digits + len(_GAP) * (digits - 1)
