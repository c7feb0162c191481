"""A language made of English: half as long again, from right to left, with its own digits and six plural forms.

Its tag is ``ar-EG``, so that ``Intl`` has an example of all that. No letter of it is in ASCII: what is, on a page in
this language, is outside the catalogues. The catalogue is made here, and given to the page in place of a file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

import tradegame.controller.http

TAG = "ar-EG"
FORMS = ("zero", "one", "two", "few", "many", "other")
ENGLISH = Path(tradegame.controller.http.__file__).parent / "site" / "languages" / "en.json"
LETTERS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "áƀćđéƒǵĥíĵķłɱńóþɋŕśţúṽŵẋýźÁƁĆĐÉƑǴĤÍĴĶŁṀŃÓÞɊŔŚŢÚṼŴẊÝŹ٠١٢٣٤٥٦٧٨٩",
)
OVERRIDE, POP = "\u202e", "\u202c"
"""What stands between them runs from right to left, whatever its letters."""


def stretched(text: str) -> str:
    """``text`` without its ASCII, and half as long again within its words, since those are what breaks a layout."""
    parts = re.split(r"(\{\w+\})", text)
    return "".join(part if place % 2 else _word(part) for place, part in enumerate(parts))


def _word(text: str) -> str:
    """Every second letter twice, and all of it from right to left."""
    longer = "".join(letter * (2 if place % 2 and letter.isalpha() else 1) for place, letter in enumerate(text))
    return f"{OVERRIDE}{longer.translate(LETTERS)}{POP}" if text.strip() else text


def catalogue() -> dict[str, Any]:
    english = json.loads(ENGLISH.read_text())
    return {
        key: stretched(text) if isinstance(text, str) else dict.fromkeys(FORMS, stretched(text["other"]))
        for key, text in english.items()
    }


def speak(page: Page) -> None:
    """From its next load on, the page speaks this language."""

    def list_it(route: Route) -> None:
        code = route.fetch().text()
        listed = code.replace("const LANGUAGES = {", f'const LANGUAGES = {{ "{TAG}": "Pseudo",')
        assert listed != code
        route.fulfill(body=listed, content_type="text/javascript")

    page.route("**/common/language.js", list_it)
    words = json.dumps(catalogue())
    page.route(f"**/languages/{TAG}.json", lambda route: route.fulfill(body=words, content_type="application/json"))
    page.add_init_script(f'localStorage.setItem("tradegame.language", "{TAG}")')


FOREIGN = """(own) => {
    const skipped = "code, kbd, textarea, script, style, noscript, .address, [lang]:not(html)";
    const found = new Set();
    const look = (text, what) => {
        const rest = own.reduce((left, each) => left.replaceAll(each, ""), text);
        if (/[A-Za-z0-9]/.test(rest)) found.add(`${what}: ${text.trim()}`);
    };
    const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element.closest(skipped)) continue;
        if (node.nodeType === Node.TEXT_NODE) look(node.data, element.outerHTML.slice(0, 80));
        else for (const name of ["aria-label", "title", "placeholder", "alt"])
            if (node.hasAttribute(name)) look(node.getAttribute(name), `${name} of ${element.tagName}`);
    }
    return [...found];
}"""
"""The texts and labels with letters or digits in ASCII, less the game's ``own``."""


def foreign(page: Page, own: list[str]) -> list[str]:
    """What the page says that is in no catalogue. ``own``: texts of the game, which are as somebody wrote them."""
    found: list[str] = page.evaluate(FOREIGN, sorted(own, key=len, reverse=True))
    return found
