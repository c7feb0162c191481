"""People at their browsers. Whatever they do, the pages' conduct is watched; see ``tests.browser.conduct``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import chromium, new_context
from tests.browser.conduct import Conduct
from tests.browser.games import games
from tests.support.process import ServerProcess

expect.set_options(timeout=30_000)
HERE = Path(__file__).parent

Newcomer = Callable[..., Page]
Serve = Callable[..., ServerProcess]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as started:
        yield started


@pytest.fixture
def conduct() -> Iterator[Conduct]:
    """Who is at fault is told at the end of every test that has a page."""
    watcher = Conduct()
    yield watcher
    watcher.check()


@pytest.fixture
def serve(tmp_path: Path, conduct: Conduct) -> Iterator[Serve]:
    """``serve()``: the games of ``tests.browser.games`` in a process; ``serve(store, name=…, games=…, flags=…)``."""
    with contextlib.ExitStack() as stack:

        def start(store: str = "memory:", **options: Any) -> ServerProcess:
            server = ServerProcess(store, tmp_path, **{"games": games(), **options})
            conduct.origins.add(server.http)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def newcomer(browser: Browser, conduct: Conduct, serve: Serve) -> Iterator[Newcomer]:
    """``newcomer(viewport=…, scheme=…)``: a blank page in a browser of somebody's own."""
    contexts: list[BrowserContext] = []

    def come(**options: Any) -> Page:
        context = new_context(browser, **options)
        contexts.append(context)
        conduct.watch(context)
        return context.new_page()

    yield come
    conduct.flush()
    for context in contexts:
        context.close()
