"""The watch over the pages' conduct sees what it is there to see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import new_context
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import until

FAULTS = {
    "an error in the console": ("console.error('oh')", "console error: oh"),
    "a warning in the console": ("console.warn('hm')", "console warning: hm"),
    "an exception": ("setTimeout(() => { throw new Error('thrown') })", "uncaught: thrown"),
    "a rejected promise": ("void Promise.reject(new Error('rejected'))", "uncaught: rejected"),
    "an inline style": ("document.body.innerHTML = '<p style=\"color:red\">'", "Content Security Policy"),
    "a request elsewhere": ("fetch('http://127.0.0.1:9/').catch(() => 0)", "127.0.0.1:9"),
    "a missing file": ("fetch('/nowhere').catch(() => 0)", "404"),
    "a dialog": ("setTimeout(() => alert('hey'))", "a dialog: alert hey"),
}

CSP = "default-src 'none'; style-src 'self'; connect-src *"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_misbehaves_is_found_out(browser: Browser, serve: Serve, fault: str) -> None:
    server, conduct = serve(), Conduct()
    conduct.origins.add(server.http)
    context = new_context(browser)
    conduct.watch(context)
    try:
        page = context.new_page()
        page.route(
            "**/page",
            lambda route: route.fulfill(
                body="<h1>a page</h1>", headers={"Content-Security-Policy": CSP, "Content-Type": "text/html"}
            ),
        )
        page.goto(f"{server.http}/page")
        assert conduct.complaints == []
        script, complaint = FAULTS[fault]
        page.evaluate(f"() => {{ {script} }}")
        until(lambda: any(complaint in each for each in conduct.complaints), complaint, page=page)
        with pytest.raises(AssertionError):
            conduct.check()
    finally:
        context.close()


def test_while_the_server_is_down_its_refusal_of_a_websocket_is_no_fault_and_nothing_else_is(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve()
    page: Page = newcomer()
    page.route("**/page", lambda route: route.fulfill(body="<h1>a page</h1>", content_type="text/html"))
    page.goto(f"{server.http}/page")
    connect = "() => new Promise((done) => { new WebSocket('/ws').onclose = () => done(0) })"
    server.kill()
    with conduct.server_down():
        page.evaluate(connect)
        assert conduct.complaints == []
    page.evaluate(connect)
    until(lambda: conduct.complaints, "a complaint", page=page)
    conduct.complaints.clear()
