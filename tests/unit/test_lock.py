"""requirements/*.txt against pyproject.toml: what is locked is what is asked for, and nothing is missing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import LAYERS, LOCKS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = {layer: PROJECT["dependency-groups"].get(group, []) for layer, group in LAYERS.items()}
WANTED["tradegame"] = PROJECT["project"]["dependencies"]


def locked(name: str) -> Iterator[tuple[Requirement, int]]:
    """Each package of the file, and how many hashes it has."""
    for line in (LOCKS / f"{name}.txt").read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = line.split(" --hash=")
            yield Requirement(requirement.strip()), len(hashes)


def versions(*names: str) -> dict[str, str]:
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for name in names
        for each, _ in locked(name)
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_a_locked_package_has_one_version_and_its_hashes_and_stands_once(layer: str) -> None:
    found = list(locked(layer))
    assert found
    for requirement, hashes in found:
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert hashes, requirement
    others = {str(each.name) for other in LAYERS if other != layer for each, _ in locked(other)}
    assert not others & {each.name for each, _ in found if each.marker is None}


@pytest.mark.parametrize("layer", LAYERS)
def test_what_pyproject_asks_for_is_locked(layer: str) -> None:
    """After a change to pyproject.toml: make lock."""
    found = versions(*LAYERS)
    for text in WANTED[layer]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(found[canonicalize_name(wanted.name)]), f"{text}: make lock"


def test_whatever_is_imported_is_asked_for() -> None:
    """What only another package asks for may be gone, or as old as it likes, with that package's next release."""
    asked = {canonicalize_name(Requirement(text).name) for text in WANTED["tradegame"]}
    brought_by = metadata.packages_distributions()
    for file in (ROOT / "tradegame").rglob("*.py"):
        for package in imported(file.read_text()) - sys.stdlib_module_names - {"tradegame"}:
            distributions = {canonicalize_name(name) for name in brought_by[package]}
            assert asked & distributions, f"{file.relative_to(ROOT)} imports {package}"


def imported(source: str) -> set[str]:
    """The packages that a module imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return {name.partition(".")[0] for name in names}


def test_nothing_that_is_installed_lacks_anything() -> None:
    installed = {canonicalize_name(each.name): each for each in metadata.distributions()}
    for each in installed.values():
        for wanted in map(Requirement, each.requires or ()):
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                found = installed.get(canonicalize_name(wanted.name))
                assert found is not None, f"{each.name} needs {wanted}"
                assert wanted.specifier.contains(found.version, prereleases=True), f"{each.name} needs {wanted}"


def test_the_oldest_are_the_lower_bounds() -> None:
    found = versions("oldest")
    for layer in ("build", "tradegame", "dev"):
        for text in WANTED[layer]:
            wanted = Requirement(text)
            bounds = [each for each in wanted.specifier if each.operator in (">=", "==")]
            assert len(bounds) == 1, f"{text}: from which version on?"
            assert wanted.specifier.contains(found[canonicalize_name(wanted.name)])
