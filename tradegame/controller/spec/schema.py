"""The vocabulary's classes as JSON Schema, of the 2020-12 draft, in the words that draft 07 and AsyncAPI have too.

msgspec makes it; what is changed here: a field that may be left out is never null, what only the server sets is not a
client's to say, and patterns are ECMAScript's.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import attrs
import msgspec

from tradegame.protocol.ops import GameRequest, PlayerCommand, WithOp

Schema = dict[str, Any]
_REF = "#/components/schemas/{name}"


def schemas(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each kind (a reference, for a class), and the components that they refer to.

    attrs classes are what the host defines: nothing unknown is taken in them, and null is as good as left out.
    """
    kinds = list(kinds)
    found, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    defined = {name for kind in kinds if attrs.has(kind) for name in _below(reference(kind.__name__), components)}
    for schema in found:
        _mend(schema, null=False)
    for name, schema in components.items():
        _mend(schema, null=name in defined)
        schema.pop("title", None)
        if name in defined:
            schema["additionalProperties"] = False
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, GameRequest):
            _say_the_game(components[kind.__name__], kind)
        if isinstance(kind, type) and issubclass(kind, WithOp):
            _say_what_is_needed(components[kind.__name__], kind)
    return list(found), components


def reference(name: str) -> Schema:
    """To a component."""
    return {"$ref": _REF.format(name=name)}


def described(kind: Any) -> str:
    """A docstring as Markdown."""
    return re.sub("``(.+?)``", r"`\1`", inspect.cleandoc(kind.__doc__))


def _below(node: Any, components: dict[str, Schema]) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            name = node["$ref"].rpartition("/")[2]
            yield name
            yield from _below(components[name], components)
        for each in node.values():
            yield from _below(each, components)
    elif isinstance(node, list):
        for each in node:
            yield from _below(each, components)


def _say_the_game(schema: Schema, kind: type[Any]) -> None:
    schema["required"] = [*schema["required"], "game"]
    if issubclass(kind, PlayerCommand):
        del schema["properties"]["player"], schema["properties"]["by_robot"]


def _say_what_is_needed(schema: Schema, kind: type[WithOp]) -> None:
    if kind.one_of:
        schema["anyOf"] = [{"required": [name]} for name in kind.one_of]
    by_default = {field.name: field.default for field in msgspec.structs.fields(kind)}
    for name, needed in kind.needs:
        says_something = {"not": {"enum": [by_default[name], None]}}
        schema["if"] = {"required": [name], "properties": {name: says_something}}
        schema["then"] = {"required": [needed], "properties": {needed: {"not": {"type": "null"}}}}


def _mend(node: Any, *, null: bool) -> None:
    if isinstance(node, list):
        for each in node:
            _mend(each, null=null)
    elif isinstance(node, dict):
        node.pop("discriminator", None)  # AsyncAPI means something else by it
        if isinstance(node.get("pattern"), str):
            node["pattern"] = node["pattern"].replace(r"\Z", "$")
        if "prefixItems" in node:  # of one kind each, and draft 07 does not have it
            node["items"] = node.pop("prefixItems")[0]
        if len(node.get("enum", ())) == 1:
            (node["const"],) = node.pop("enum")
        if isinstance(node.get("description"), str):
            node["description"] = re.sub("``(.+?)``", r"`\1`", inspect.cleandoc(node["description"]))
        for field in node.get("properties", {}).values():
            absent = field.pop("default", ...)
            kinds = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
            if absent is None and kinds and not null:
                del field["anyOf"]
                field |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        for each in node.values():
            _mend(each, null=null)
