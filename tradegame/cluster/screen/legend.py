"""The keys of the live screen, with as many words as fit into one line. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.align import Align
from rich.console import RenderableType
from rich.text import Text

_KEYS = (
    ("1-9", "kill or revive"),
    ("a-e", "a member"),
    ("l", "the leader"),
    ("f 1", "freeze or thaw"),
    ("r", "rolling restart"),
    ("q", "quit"),
)
_SHORT = (("1-9", "kill"), ("a-e", "member"), ("l", "leader"), ("f 1", "freeze"), ("r", "roll"), ("q", "quit"))
_BARE = (("1-9", ""), ("a-e", ""), ("l", ""), ("f", ""), ("r", ""), ("q", "quit"))


def legend(hint: str, width: int) -> RenderableType:
    """Always one line: what the keys do, or ``hint`` if there is one."""
    if hint:
        return Align.center(one_line(Text(hint, "bold yellow")))
    roomy = Text("  ").join(Text.assemble((f" {key} ", "reverse"), f" {what}") for key, what in _KEYS)
    return Align.center(widest((roomy, _tight(_SHORT), _tight(_BARE)), width))


def widest(lines: Iterable[Text], width: int) -> Text:
    """The first line that fits, of several that get shorter; else the last, truncated."""
    line = Text()
    for line in lines:
        if line.cell_len <= width:
            break
    return one_line(line)


def one_line(line: Text) -> Text:
    """The same line, never wrapped."""
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _tight(keys: Sequence[tuple[str, str]]) -> Text:
    return Text(" ").join(Text.assemble((key, "reverse"), f" {what}" if what else "") for key, what in keys)
