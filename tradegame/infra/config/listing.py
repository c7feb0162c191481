"""The effective configuration as TOML, each line with the source of its value. Secrets are masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs

from tradegame.infra.config.loader import SECTIONS, Loaded
from tradegame.infra.config.structuring import rule_of

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_COLUMN = 44


def list_settings(loaded: Loaded) -> str:
    """A config.toml with the same settings, and where each came from. A secret that is set appears as a comment,
    ``"***"``.
    """
    return "\n".join(_lines(loaded)).strip() + "\n"


def _lines(loaded: Loaded) -> Iterator[str]:
    for section, fields in SECTIONS.items():
        yield f"[{section}]"
        values = getattr(loaded.settings, section)
        for name, field in fields.items():
            value = getattr(values, name)
            rule = rule_of(field)
            line = _line(name, value, loaded.origin(f"{section}.{name}"))
            if rule is not None and rule.secret and value:
                # a comment, so that the output can be used as a file without "***" becoming the secret
                line = "# " + _line(name, "***", loaded.origin(f"{section}.{name}"))
            yield line
        yield ""
    if not loaded.settings.games:
        yield _line("games", [], loaded.origin("games"))
    for index, game in enumerate(loaded.settings.games):
        yield from _table("[[games]]", "games", f"games[{index}]", attrs.asdict(game), loaded)


def _table(head: str, name: str, path: str, data: dict[str, Any], loaded: Loaded) -> Iterator[str]:
    inner = {key: value for key, value in data.items() if _is_table(value)}
    plain = {key: value for key, value in data.items() if key not in inner and value not in (None, ())}
    if plain or not inner:
        yield head
        for key, value in plain.items():
            yield _line(key, value, loaded.origin(f"{path}.{key}"))
        yield ""
    for key, value in inner.items():
        below = f"{name}.{_key(key)}"
        if isinstance(value, dict):
            yield from _table(f"[{below}]", below, f"{path}.{key}", value, loaded)
        else:
            for index, item in enumerate(value):
                yield from _table(f"[[{below}]]", below, f"{path}.{key}[{index}]", item, loaded)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, tuple) and bool(value) and isinstance(value[0], dict))


def _line(key: str, value: object, origin: str) -> str:
    return f"{f'{_key(key)} = {_value(value)}':<{_COLUMN}} # {origin}"


def _key(key: str) -> str:
    return key if _BARE_KEY.match(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's, except for DEL, which TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
