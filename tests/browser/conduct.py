"""What no page may do, whatever it is that a test looks at: every complaint fails the test.

A message of the console that is an error or a warning (the browser's own and its CSP's too), an exception that nobody
caught, a request that failed, one to anywhere but the server, a dialog that the page did not draw itself.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from attrs import Factory, define
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Error, Page, Request, Response, WebSocket

REFUSED = re.compile(r"^WebSocket connection to '[^']*/ws' failed: .*net::ERR_CONNECTION_(REFUSED|RESET)$")
"""What the browser itself logs, and no page can keep from it, when it finds nobody at the server's port.

Or somebody who is just being killed.
"""

KILLED = r"net::ERR_(CONNECTION_(REFUSED|RESET)|EMPTY_RESPONSE|CONTENT_LENGTH_MISMATCH|INCOMPLETE_CHUNKED_ENCODING)"
"""Nobody answers, or somebody who is killed half-way."""

UNANSWERED = re.compile(rf"^(GET http://\S+/v1/\S+: |Failed to load resource: ){KILLED}")
"""A page without a connection asks by HTTP what is in its way."""


@define(slots=False)  # Playwright writes to who listens
class Conduct:
    """Listens to every page of the contexts that it is given, and keeps what there is to complain of."""

    origins: set[str] = Factory(set)
    """``http://host:port`` of the servers that there are; requests go nowhere else."""
    complaints: list[str] = Factory(list)
    _allowed: list[re.Pattern[str]] = Factory(list)
    _pages: list[Page] = Factory(list)

    def watch(self, context: BrowserContext) -> None:
        context.on("page", self._page)

    @contextlib.contextmanager
    def allowing(self, *patterns: str | re.Pattern[str]) -> Iterator[None]:
        """In this block a complaint that one of these patterns finds something in is none."""
        added = [re.compile(pattern) for pattern in patterns]
        self._allowed += added
        try:
            yield
            self.flush()
        finally:
            for pattern in added:
                self._allowed.remove(pattern)

    @contextlib.contextmanager
    def server_down(self) -> Iterator[None]:
        """The block in which the server is killed, and by whose end the pages have found it again.

        What the browser itself still fetched, its icon say, is here before.
        """
        for page in self._pages:
            if not page.is_closed():
                page.wait_for_load_state("networkidle")
        with self.allowing(REFUSED, UNANSWERED):
            yield

    def check(self) -> None:
        """Fails with everything there is to complain of."""
        self.flush()
        assert not self.complaints, "\n".join(["the pages misbehaved:", *self.complaints])

    def flush(self) -> None:
        """Events come while Playwright is waited for: one round trip a page, and all so far are here."""
        for page in self._pages:
            if not page.is_closed():
                with contextlib.suppress(Error):  # it is being closed, or between two documents
                    page.evaluate("0")

    def _complain(self, what: str, about: str) -> None:
        if not any(pattern.search(about) for pattern in self._allowed):
            self.complaints.append(f"{what}: {about}")

    def _page(self, page: Page) -> None:
        self._pages.append(page)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complain("uncaught", f"{error.message}\n{error.stack or ''}"))
        page.on("crash", lambda page: self._complain("crashed", page.url))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("websocket", self._websocket)
        page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            # The place goes on a line of its own: patterns are about the text.
            if any(pattern.search(message.text) for pattern in self._allowed):
                return
            at = message.location
            self.complaints.append(
                f"console {message.type}: {message.text}\n    {at.get('url')}:{at.get('lineNumber')}"
            )

    def _request(self, request: Request) -> None:
        url = request.url
        if not url.startswith(("data:", "blob:", "about:")) and not self._ours(url):
            self._complain("a request elsewhere", url)

    def _websocket(self, socket: WebSocket) -> None:
        if not self._ours(socket.url.replace("ws", "http", 1)):
            self._complain("a WebSocket elsewhere", socket.url)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # one that was on its way when the page was left
            self._complain("a request failed", f"{request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._complain("a request failed", f"{response.request.method} {response.url}: {response.status}")

    def _dialog(self, dialog: Dialog) -> None:
        self._complain("a dialog", f"{dialog.type} {dialog.message}")
        dialog.dismiss()

    def _ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" in self.origins
