"""Where settings come from: defaults, then config.toml, then the environment, then flags; later ones win."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

import attrs

from tradegame.infra.config.errors import ConfigError, Problem
from tradegame.infra.config.settings import Settings, problems
from tradegame.infra.config.structuring import (
    ProblemsError,
    UnfitError,
    expected_one_of,
    join_path,
    rule_of,
    structure,
)
from tradegame.protocol.reasons import Why

ENVIRONMENT_PREFIX = "TRADEGAME_"

FLAGS = {
    "server.host": "--host",
    "server.port": "--port",
    "server.advertise": "--advertise",
    "store.url": "--store",
    "log.level": "--log-level",
    "log.format": "--log-format",
}
"""The command line's flag for a key."""

_INTEGER = re.compile(r"[+-]?[0-9]+(_[0-9]+)*\Z")
_LAST_STEP = re.compile(r"(\.[^.\[\]]*|\[\d+\])\Z")

SECTIONS: dict[str, dict[str, attrs.Attribute[Any]]] = {
    section.name: {key.name: key for key in attrs.fields(attrs.resolve_types(section.type))}
    for section in attrs.fields(attrs.resolve_types(Settings))
    if isinstance(section.type, type) and attrs.has(section.type)
}
"""Every section's keys, except games: what a file, a variable or a flag may set."""


@attrs.frozen
class Loaded:
    """Settings, and where each value came from: ``given`` maps its path to a file, a variable or a flag."""

    settings: Settings
    given: Mapping[str, str]

    def origin(self, path: str) -> str:
        """Where the value at ``path`` came from."""
        return self.given.get(path, "default")


def load_settings(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """The settings from all four sources; see ``load``."""
    return load(file, environ, flags).settings


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Loaded:
    """Defaults, overridden by ``file`` (TOML), by ``TRADEGAME_SECTION__KEY`` in ``environ``, by ``flags``.

    For a secret, ``TRADEGAME_SECTION__KEY_FILE`` names a file that has it.
    ``flags`` maps a key's path (``server.port``; ``games`` for the whole list) to its value. Raises ConfigError with
    everything that is wrong, including unknown keys.
    """
    data: dict[str, Any] = {} if file is None else _read(file)
    given = {path: str(file) for path in _paths(data, "")}
    found: list[Problem] = []
    for path, value, origin in [*_from_environment(environ, found), *_from_flags(flags, found)]:
        section, _, key = path.partition(".")
        if not key:
            data[section] = value
        elif isinstance(data.setdefault(section, {}), dict):
            data[section][key] = value
        given.update(dict.fromkeys(_paths(value, path), origin))
        given[path] = origin
    try:
        settings = structure(data, Settings)
        wrong: tuple[tuple[str, str | Why], ...] = tuple(problems(settings))
    except ProblemsError as error:
        wrong = error.problems
    found += [Problem(_nearest_origin(given, path), path, message) for path, message in wrong]
    if found:
        raise ConfigError(found)
    return Loaded(settings, given)


def log_format_in(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> str:
    """The log's format in these sources, valid or not, whatever else is invalid; its default if they do not say."""
    try:
        section = {} if file is None else _read(file).get("log")
    except ConfigError:
        section = {}
    in_file = section.get("format") if isinstance(section, dict) else None
    found = flags.get("log.format") or environ.get(f"{ENVIRONMENT_PREFIX}LOG__FORMAT") or in_file
    return str(found or Settings().log.format)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise ConfigError([Problem(str(file), "", f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(file), "", f"expected UTF-8, found another byte at {error.start}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(str(file), "", f"expected TOML: {error}")]) from None


def _from_environment(environ: Mapping[str, str], found: list[Problem]) -> Iterator[tuple[str, Any, str]]:
    for name in sorted(environ):
        # Kubernetes sets TRADEGAME_PORT and the like for a service called "tradegame", so only a name with a double
        # underscore is ours.
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name.removeprefix(ENVIRONMENT_PREFIX):
            continue
        section, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__", 1)
        text = environ[name]
        try:
            if (secret := _kept_in_file(section, key)) is not None:
                key = secret
                if name.upper().removesuffix("_FILE") in environ:
                    raise ValueError(f"set this or {name.upper().removesuffix('_FILE')}, not both")
                text = _read_secret(Path(text))
            elif (problem := _unknown(section, key, name)) is not None:
                found.append(problem)
                continue
            yield f"{section}.{key}", _parse(text, SECTIONS[section][key]), name
        except ValueError as error:
            found.append(Problem(name, f"{section}.{key}", str(error)))


def _kept_in_file(section: str, key: str) -> str | None:
    """The secret whose file ``key`` names: ``token`` for ``token_file``. None if it names no such file."""
    field = SECTIONS.get(section, {}).get(name := key.removesuffix("_file"))
    rule = None if field is None or name == key else rule_of(field)
    return name if rule is not None and rule.secret else None


def _read_secret(file: Path) -> str:
    """The file's text, without the line break at its end. Raises ValueError, which shows nothing of the text."""
    try:
        return file.read_bytes().decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8") from None


def _from_flags(flags: Mapping[str, Any], found: list[Problem]) -> Iterator[tuple[str, Any, str]]:
    for path, value in flags.items():
        section, dot, key = path.partition(".")
        origin = FLAGS.get(path, f"flag {path}")
        if dot and (problem := _unknown(section, key, origin)) is not None:
            found.append(problem)
        else:
            yield path, value, origin


def _unknown(section: str, key: str, origin: str) -> Problem | None:
    if section not in SECTIONS:
        return Problem(origin, section, expected_one_of(SECTIONS, section))
    if key not in SECTIONS[section]:
        return Problem(origin, f"{section}.{key}", expected_one_of(SECTIONS[section], key))
    return None


def _parse(text: str, field: attrs.Attribute[Any]) -> Any:
    """A variable's text as the field's type. Raises ValueError."""
    rule = rule_of(field)
    if field.type is int:
        if not _INTEGER.match(text.strip()):
            raise UnfitError.expected(rule.expected if rule else "an integer", text)
        return int(text)
    if get_origin(field.type) is tuple:
        if text.lstrip().startswith("["):
            try:
                return json.loads(text)
            except ValueError as error:
                raise ValueError(f"expected a JSON list, or values separated by commas: {error}") from None
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _paths(data: object, path: str) -> Iterator[str]:
    """The path of everything in ``data``, including nested tables and lists."""
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _paths(value, join_path(path, str(key)))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from _paths(value, f"{path}[{index}]")


def _nearest_origin(given: Mapping[str, str], path: str) -> str:
    """The source of the value, or of the table that should contain it."""
    while path not in given:
        shorter = _LAST_STEP.sub("", path)
        if shorter == path:
            return ""
        path = shorter
    return given[path]
