"""What people may call themselves, and which names look alike.

Used at the edge alone: Unicode's data differ between Pythons, so a game compares the skeletons that its log holds.
Source: Unicode Technical Standard #39, section 4 (confusable detection); RFC 5892, appendix A (joiners in context).
"""

from __future__ import annotations

import re
import unicodedata

from tradegame.protocol import confusables
from tradegame.protocol.bounds import RESERVED_NAMES

NAME_EXPECTED = (
    "1 to 32 printable characters, no space at either end, and nothing that looks like one of the game's own names or "
    "a robot's"
)
_ROBOT = re.compile(r"(?<![^\W\d_])robot[ol\d]*(?![^\W\d_])")
"""The word in a skeleton, where 0 and 1 are letters. `Robotnik` is none."""
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_BLANKS = "\u2800\ufffc\U0001d159\U00016fe4"
"""Symbols and marks by their category, and nothing to the eye: an empty braille cell, the place of an object, a
headless note, a filler.
"""
_REPLACEMENT = "\ufffd"
"""What stands for what was read in the wrong encoding."""
_JOINERS = "\u200c\u200d"
_VIRAMA = 9
"""The combining class of what joins the letters of India."""
_VARIATION = (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
"""They choose a form of the character before them, as of an emoji."""
_IGNORABLE = frozenset(
    map(
        chr,
        (
            *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010)),
            *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0),
            *(*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
        ),
    )
)
"""What a renderer shows nothing of: the property Default_Ignorable_Code_Point."""


def decompose(text: str) -> str:
    """Without what differs in form alone, in its parts: letters before their accents."""
    return unicodedata.normalize("NFKD", text)


def fold(text: str) -> str:
    """Without what differs in form or case alone, in its parts."""
    return decompose(unicodedata.normalize("NFKC", text).casefold())


def skeleton(name: str) -> str:
    """The same text for names that look the same. It is to be compared, not shown.

    What is not seen goes, spaces are one, each character becomes that which stands for its likes, and small: so `I`,
    `l` and `1` are one, and Cyrillic letters that look like `Anna` are. Likes come before case: a capital eta is an H.
    """
    seen = "".join(character for character in name if character not in _IGNORABLE)
    small = fold(decompose(seen).translate(_PROTOTYPES))
    return " ".join(small.translate(_PROTOTYPES).split())


def is_name(name: str) -> bool:
    """Whether a text of the form of a name may be one: nothing unprintable, no space at an end, not reserved.

    What robots are called (*Robot 1*) is: nobody passes for one.
    """
    return (
        is_printable(name)
        and any(unicodedata.category(character)[0] in "LNPS" for character in name)
        and (look := skeleton(name)) not in _RESERVED
        and _ROBOT.search(look) is None
    )


def is_printable(text: str) -> bool:
    """Whether all of it is seen: nothing unprintable, no space at an end."""
    return text == text.strip() and not any(_is_unprintable(text, index) for index in range(len(text)))


def _is_unprintable(name: str, index: int) -> bool:
    """Controls, and what nobody sees or what turns the text around."""
    character = name[index]
    if character.isascii():
        return not character.isprintable()
    if character in _JOINERS:
        return not _joins(name, index)
    if character in _IGNORABLE:
        before = name[index - 1 : index]
        return ord(character) not in _VARIATION or not before or before.isspace() or before in _IGNORABLE
    return unicodedata.category(character) in _UNPRINTABLE or character in _BLANKS or character == _REPLACEMENT


def _joins(name: str, index: int) -> bool:
    """Whether a joiner stands where it changes what is seen: by a virama, between Arabic letters, in an emoji."""
    left, right = name[index - 1 : index], name[index + 1 : index + 2]
    if not left or not right:
        return False
    if _VIRAMA in (unicodedata.combining(left), unicodedata.combining(right)):
        return True
    while unicodedata.category(left) == "Mn" and index > 1:
        index -= 1
        left = name[index - 1]
    if unicodedata.bidirectional(left) == unicodedata.bidirectional(right) == "AL":
        return True
    return unicodedata.category(left) in ("So", "Sk") and unicodedata.category(right) == "So"


_PROTOTYPES = confusables.table()
_RESERVED = frozenset(map(skeleton, RESERVED_NAMES))
