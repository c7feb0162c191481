"""An error that is raised leaves no cycle: what it held is freed at once, and not when garbage is collected.

A traceback holds the frames that an error went through, and a frame its variables: a function that raises what it has
in a variable makes a cycle of them, with all that the frame holds. ``except … as error`` deletes its own.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tradegame
from tradegame.core.domain.definition import GameDefinition
from tradegame.infra.config.definitions import parse_game_definition
from tradegame.infra.config.structuring import ProblemsError, structure
from tradegame.protocol.errors import BadRequestError

PACKAGE = Path(tradegame.__file__).parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _own(function: Function) -> Iterator[ast.AST]:
    """What is in a function, without the functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def cycles(source: str) -> list[tuple[int, str]]:
    """Lines that raise a variable of their function which stays, and its name."""
    found = []
    for function in [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]:
        nodes = list(_own(function))
        kept = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        kept |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        kept -= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)}
        found += [
            (node.lineno, node.exc.id)
            for node in nodes
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in kept
        ]
    return sorted(found)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("error = ValueError()\n    raise error", [(3, "error")]),
        ("if (error := look()) is not None:\n        raise error from None", [(3, "error")]),
        ("raise given", [(2, "given")]),
        ("try:\n        raise given\n    finally:\n        del given", []),
        ("try:\n        work()\n    except ValueError as error:\n        raise error from None", []),
        ("raise ValueError", []),
    ],
)
def test_such_lines_are_found(body: str, found: list[tuple[int, str]]) -> None:
    assert cycles(f"def f(given):\n    {body}\n") == found


def test_no_function_raises_what_it_keeps() -> None:
    found = {str(path.relative_to(PACKAGE)): cycles(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert len(found) > 200
    assert {path: lines for path, lines in found.items() if lines} == {}


def _refused(call: Callable[[], object]) -> None:
    with pytest.raises((BadRequestError, ProblemsError)):
        call()


BAD = {
    "id": "x",
    "goods": {"a": {"house": {"anchor": []}}, "b": {"endowment": "x"}},
    "news": [{"text": 1}],
    "cash": 1.5,
}


@pytest.mark.parametrize("call", [lambda: parse_game_definition(BAD), lambda: structure(BAD, GameDefinition)])
def test_a_definition_that_is_refused_leaves_nothing_for_the_collector(call: Callable[[], object]) -> None:
    _refused(call)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            _refused(call)
        assert gc.collect() < 10
    finally:
        gc.enable()
