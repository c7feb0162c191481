"""Plain data (from TOML, JSON) into attrs classes by cattrs: strict, and with every problem's path.

cattrs by itself coerces (5.7 becomes 5, true becomes 1, 1 becomes "1") and accepts a string for a list of its letters;
the hooks here accept a value only of its own type.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from types import GenericAlias
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from tradegame.protocol.reasons import Why, why

T = TypeVar("T")

RULE = "rule"
"""The key of a field's ``Rule`` in its attrs metadata."""

SHOWN = 60
"""A message repeats at most so many characters of an invalid value."""


class UnfitError(ValueError):
    """A value is not what was expected."""

    def __init__(self, said: str | Why) -> None:
        super().__init__(str(said))
        self.said = said

    @classmethod
    def expected(cls, what: str, value: object, *, secret: bool = False) -> UnfitError:
        return cls(f"expected {what}, found {'***' if secret else show(value)}")


class ProblemsError(ValueError):
    """Several problems below one place: pairs of a path from there and a message."""

    def __init__(self, problems: Iterable[tuple[str, str | Why]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.problems))


@attrs.frozen
class Rule:
    """What a field's value must be, beyond its type. ``secret``: no message and no listing shows the value.

    ``holds`` may raise ValueError instead of returning False, with a more precise message.
    """

    expected: str
    holds: Callable[[Any], bool] = lambda _: True
    secret: bool = False

    def check(self, value: Any) -> None:
        """Raises UnfitError, or what ``holds`` raises."""
        if not self.holds(value):
            raise UnfitError.expected(self.expected, value, secret=self.secret)


def rule_of(field: attrs.Attribute[Any]) -> Rule | None:
    """The field's rule, if it has one."""
    rule = field.metadata.get(RULE)
    return rule if isinstance(rule, Rule) else None


def show(value: object) -> str:
    """A value as a message shows it: short, in the notation of TOML and JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def expected_one_of(names: Iterable[str], found: str) -> Why:
    """For an unknown name: the closest known one, if any is close, and all known ones."""
    names = list(names)
    near = difflib.get_close_matches(found[:SHOWN], names, 1)
    known = ", ".join(names)
    return why("unknown_key_near", names=known, near=near[0]) if near else why("unknown_key", names=known)


def structure(data: object, kind: type[T]) -> T:
    """``data`` as a ``kind``. Raises ProblemsError with everything that is wrong in it."""
    try:
        return CONVERTER.structure(data, kind)
    except (BaseValidationError, ValueError) as error:
        raise ProblemsError(_problems(error, "")) from None


def join_path(path: str, below: str) -> str:
    """``games[0]`` and ``cash`` make ``games[0].cash``; either may be empty."""
    return path + below if not path or not below or below.startswith("[") else f"{path}.{below}"


def _problems(error: BaseException, path: str) -> Iterator[tuple[str, str | Why]]:
    if isinstance(error, ProblemsError):
        for below, message in error.problems:
            yield join_path(path, below), message
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in attrs.fields(error.cl)] if error.cl is not None else []
        for key in sorted(map(str, error.extra_fields)):
            yield join_path(path, key), expected_one_of(known, key)
    elif isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _problems(inner, _below(inner, path))
            inner.__traceback__ = None  # its frames hold it in a list: a cycle, with all that was structured so far
    elif isinstance(error, KeyError):
        yield path, why("missing")
    elif isinstance(error, UnfitError):
        yield path, error.said
    elif isinstance(error, ValueError):
        yield path, str(error)
    else:
        raise TypeError(f"{error!r} is not a problem of the data") from error


def _below(error: Exception, path: str) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return join_path(path, note.name)
        if isinstance(note, IterableValidationNote):
            return f"{path}[{note.index}]" if isinstance(note.index, int) else join_path(path, str(note.index))
    return path


def _integer(value: object, _: object) -> int:
    if type(value) is not int:
        raise UnfitError(why("need_integer", found=show(value)))
    return value


def _boolean(value: object, _: object) -> bool:
    if type(value) is not bool:
        raise UnfitError(why("need_boolean", found=show(value)))
    return value


def _string(value: object, _: object) -> str:
    if not isinstance(value, str):
        raise UnfitError(why("need_string", found=show(value)))
    return value


def _one_of(value: object, kind: Any) -> Any:
    names = get_args(kind)
    if value not in names:
        raise UnfitError(why("need_one_of", names=", ".join(names), found=show(value)))
    return value


def structure_class(kind: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    """A hook for an attrs class: a table, no unknown key, every field's ``Rule`` kept."""
    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(kind))}
    hooks = {
        name: override(struct_hook=_with_rule(rule, converter, field.type))
        for name, field in fields.items()
        if (rule := rule_of(field)) is not None
    }
    inner = make_dict_structure_fn(
        kind,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **hooks,  # type: ignore[arg-type]  # the keywords are the class's own field names
    )

    def hook(value: Any, target: Any) -> Any:
        if not isinstance(value, dict):
            raise UnfitError(why("need_table", found=show(value)))
        return inner(value, target)

    return hook


def _with_rule(rule: Rule, converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        try:
            checked = converter.structure(value, kind)
        except UnfitError:
            raise UnfitError.expected(rule.expected, value, secret=rule.secret) from None
        rule.check(checked)
        return checked

    return hook


def _container(found: tuple[type, ...], name: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def hook(value: Any, target: Any) -> Any:
        if not isinstance(value, found):
            raise UnfitError(why(name, found=show(value)))
        return inner(value, target)

    return hook


def _tuple(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    of: Any = GenericAlias(list, (get_args(kind)[0],))
    return _container((list, tuple), "need_list", lambda value, _: tuple(converter.structure(value, of)))


def _mapping(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    return _container((dict,), "need_table", converter.gen_structure_mapping(kind))


def _is_of(container: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) == container


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _boolean)
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook_func(_is_of(Literal), _one_of)
    converter.register_structure_hook_factory(attrs.has, structure_class)
    converter.register_structure_hook_factory(_is_of(tuple), _tuple)
    converter.register_structure_hook_factory(_is_of(dict), _mapping)
    return converter


CONVERTER = _make_converter()
"""The one converter. Other modules add their hooks to it (see ``definitions``)."""
