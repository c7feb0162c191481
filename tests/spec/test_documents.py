"""The documents themselves: sound by the official parsers, complete, and served as they are printed."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from starlette.routing import Route
from typer.testing import CliRunner

import tradegame
from tests.support.javascript import node_with_packages
from tests.support.schemas import Checker, closed
from tests.support.server import ServerThread
from tradegame.cli import app
from tradegame.controller.http.routes import build_app
from tradegame.controller.spec import asyncapi, openapi
from tradegame.controller.spec.examples import EXAMPLES
from tradegame.protocol.pushes import PUSHES
from tradegame.protocol.requests import REQUESTS

NODE_DIRECTORY = Path(__file__).parent / "node"
PARSE_DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    with ServerThread("memory:") as running:
        yield running


@pytest.mark.parametrize(("name", "document"), [("asyncapi", asyncapi()), ("openapi", openapi())])
def test_what_is_served_is_what_is_printed_and_what_is_meant(
    name: str, document: dict[str, Any], server: ServerThread
) -> None:
    answer = httpx.get(f"{server.http}/{name}.json").raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    printed = CliRunner().invoke(app, ["spec", name])
    assert printed.exit_code == 0
    assert answer.json() == json.loads(printed.stdout) == document
    assert document["info"]["version"] == tradegame.__version__
    again = httpx.get(f"{server.http}/{name}.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_openapi_document_is_sound() -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator, validate  # takes a quarter of a second

    validate(copy.deepcopy(openapi()), cls=OpenAPIV31SpecValidator)


def test_every_route_is_documented_and_nothing_else() -> None:
    routes = build_app(Mock(presets=dict)).routes
    served = {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in routes
        if isinstance(route, Route)
        for method in route.endpoint.handlers
    }
    documented = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
    assert documented == served


def test_every_reference_leads_to_something_that_is_used() -> None:
    for document in (asyncapi(), openapi()):
        referred = set(references(document))
        assert referred >= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        for reference in referred:
            place: Any = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]


def test_every_class_is_described() -> None:
    for document in (asyncapi(), openapi()):
        bare = {
            name
            for name, schema in document["components"]["schemas"].items()
            if not schema.get("description") and name != "Player"
        }
        assert bare == set()


def test_every_example_is_what_is_published() -> None:
    checker = Checker(closed(asyncapi()))
    for name, example in EXAMPLES.items():
        assert checker.problem(f"components/messages/{name}/payload", example) is None, name


def test_clients_may_be_sent_more_and_may_not_send_more() -> None:
    checker = Checker(asyncapi())
    more = {"colour": "red"}
    assert checker.problem("components/messages/push.presence/payload", EXAMPLES["push.presence"] | more) is None
    problem = checker.problem("components/messages/buy/payload", EXAMPLES["buy"] | more)
    assert problem == "$: Additional properties are not allowed ('colour' was unexpected)"


@pytest.mark.slow
def test_the_asyncapi_document_is_sound_and_holds_every_request_and_push(tmp_path: Path) -> None:
    node = node_with_packages(NODE_DIRECTORY)
    document = tmp_path / "asyncapi.json"
    document.write_text(json.dumps(asyncapi()))
    found = parsed(node, document)
    assert [each for each in found["diagnostics"] if each["code"] != "asyncapi-latest-version"] == []
    assert found["operations"] == {
        op: {"action": "receive", "messages": [op], "replies": [f"{op}Ok", "error"]} for op in REQUESTS
    } | {f"push.{name}": {"action": "send", "messages": [f"push.{name}"], "replies": []} for name in PUSHES}
    document.write_text(json.dumps(asyncapi() | {"channels": {"game": {"address": 5}}}))
    assert any(each["severity"] == 0 for each in parsed(node, document)["diagnostics"])


def parsed(node: str, document: Path) -> dict[str, Any]:
    """What the official parser makes of it."""
    command = [node, "parse.cjs", str(document)]
    done = subprocess.run(
        command, cwd=NODE_DIRECTORY, capture_output=True, text=True, timeout=PARSE_DEADLINE_S, check=True
    )
    return dict(json.loads(done.stdout))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)
