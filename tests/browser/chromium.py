"""The browser: Debian's chromium, driven by Playwright; never one that was downloaded."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, ViewportSize

Scheme = Literal["light", "dark"]

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

ARGUMENTS = (
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",  # the same picture on every machine
)

TELL_OF_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => console.error(
    `CSP: ${event.effectiveDirective} forbids ${event.blockedURI || "inline"} ` +
    `at ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
"""
"""A violation that the browser itself does not log (one in a worker, say) is an error in the console too."""


NO_INSTRUCTIONS = """try { localStorage.setItem("tradegame.instructions", "*") } catch { /* about:blank has none */ }"""


def chromium_path() -> str | None:
    """``TRADEGAME_TEST_CHROMIUM`` in the environment, else the system's; None: there is none."""
    override = os.environ.get("TRADEGAME_TEST_CHROMIUM")
    return override or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """A browser for the block's time. Without one the test is skipped; in CI nothing is, it fails."""
    path = chromium_path()
    if path is None:
        reason = "no chromium: apt-get install chromium, or name one by TRADEGAME_TEST_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])
    try:
        yield browser
    finally:
        browser.close()


def new_context(
    browser: Browser,
    *,
    viewport: ViewportSize = DESK,
    scheme: Scheme = "light",
    deadline_s: float = 30.0,
    bypass_csp: bool = False,
    scale: float = 1.0,
    zone: str | None = "Europe/Berlin",
    locale: str = "en-GB",
    instructed: bool = True,
) -> BrowserContext:
    """A browser of somebody's own: its cookies, storage and window are shared with nobody.

    ``zone`` is the device's, None: as the machine has it; ``locale`` the browser's. ``instructed``: the
    instructions are shown to who asks for them only.
    """
    context = browser.new_context(
        viewport=viewport,
        color_scheme=scheme,
        has_touch=viewport["width"] < 600,
        is_mobile=viewport["width"] < 600,
        bypass_csp=bypass_csp,
        device_scale_factor=scale,
        locale=locale,
        timezone_id=zone,
    )
    context.set_default_timeout(deadline_s * 1000)
    context.add_init_script(TELL_OF_VIOLATIONS)
    if instructed:
        context.add_init_script(NO_INSTRUCTIONS)
    return context
