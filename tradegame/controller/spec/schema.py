"""attrs classes as JSON Schema, of the 2020-12 draft, in the words that draft 07 and AsyncAPI have too.

- A class becomes a component, and its docstring the description.
- A field without a default is required; ``| None`` lets null stand there.
- In what clients send nothing unknown is taken; in what the server sends, clients ignore what they do not know, and so
  the schema does not forbid it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import attrs

from tradegame.core.domain.bounds import ID_EXPRESSION, Bound, Length, Range

Schema = dict[str, Any]

ABSENT: Any = None
"""The default of a field that may be left out, and where null never stands."""

_PLAIN = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}
_SIZES = {"string": "Length", "array": "Items", "object": "Properties"}


class Schemas:
    """Makes the schemas of types, and keeps those that have a name as ``components``.

    ``words``: the schema of each ``NewType``, beyond the type that it is made of.
    """

    def __init__(self, words: Mapping[Any, Mapping[str, Any]]) -> None:
        self._words = words
        self._kinds: dict[str, Any] = {}
        self.components: dict[str, Schema] = {}

    def sent(self, kind: Any) -> Schema:
        """Of what the server sends."""
        return self._of(kind, closed=False, null=True)

    def taken(self, kind: Any, *, null: bool) -> Schema:
        """Of what the server takes: no unknown field, and ``null`` for one that is left out only if it may be."""
        return self._of(kind, closed=True, null=null)

    def fields(self, kind: type[Any], *, closed: bool, null: bool = True) -> Schema:
        """The schema of an attrs class itself, where ``sent`` and ``taken`` give a reference to it."""
        required, properties = [], {}
        for field in attrs.fields(attrs.resolve_types(kind)):
            name = field.name.rstrip("_")  # of a word of Python's
            optional = field.default is not attrs.NOTHING
            if not optional:
                required.append(name)
            field_kind = _without_null(field.type) if optional and not null else field.type
            properties[name] = self._of(field_kind, closed=closed, null=null)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if closed:
            schema["additionalProperties"] = False
        if kind.__doc__:
            schema["description"] = described(kind)
        return schema

    def _of(self, kind: Any, *, closed: bool, null: bool) -> Schema:
        of = partial(self._of, closed=closed, null=null)
        origin, arguments = get_origin(kind), get_args(kind)
        if kind in _PLAIN:
            return {"type": _PLAIN[kind]}
        if kind is Any:
            return {}
        if isinstance(kind, NewType):
            return self._named(kind, lambda: {**of(kind.__supertype__), **self._words[kind]})
        if attrs.has(kind):
            return self._named(kind, lambda: self.fields(kind, closed=closed, null=null))
        if origin is Annotated:
            return _bounded(of(arguments[0]), arguments[1:])
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)} if len(arguments) > 1 else {"const": arguments[0]}
        if origin in (Union, UnionType):
            return {"anyOf": [of(each) for each in arguments]}
        if origin is dict:
            return {"type": "object", "propertyNames": of(arguments[0]), "additionalProperties": of(arguments[1])}
        if origin in (tuple, list):
            return {"type": "array", "items": of(arguments[0])}
        raise TypeError(f"no schema for {kind!r}")

    def _named(self, kind: Any, make: Callable[[], Schema]) -> Schema:
        name: str = kind.__name__
        if self._kinds.setdefault(name, kind) is not kind:
            raise TypeError(f"two kinds of things are called {name}")
        if name not in self.components:
            self.components[name] = make()
        return reference(name)


def reference(name: str) -> Schema:
    """To a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def described(kind: Any) -> str:
    """A docstring as Markdown."""
    return re.sub("``(.+?)``", r"`\1`", inspect.cleandoc(kind.__doc__))


def _without_null(kind: Any) -> Any:
    kinds = [each for each in get_args(kind) if each is not NoneType]
    return kinds[0] if len(kinds) == 1 and get_origin(kind) in (Union, UnionType) else kind


def _bounded(schema: Schema, bounds: tuple[Bound, ...]) -> Schema:
    for bound in bounds:
        if isinstance(bound, Range):
            schema |= {"minimum": bound.low, "maximum": bound.high}
        elif isinstance(bound, Length):
            of = _SIZES[schema["type"]]
            schema |= {f"min{of}": bound.low, f"max{of}": bound.high}
            if bound.distinct:
                schema["uniqueItems"] = True
        else:
            schema["pattern"] = f"^{ID_EXPRESSION}$"
    return schema
