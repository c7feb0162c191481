"""Each player's own report as a page without a server: one HTML file that has all it needs in it.

The modules of the site's page are in it as they are. They become ``data:`` URLs, named in an import map: so a browser
that opens the file, wherever it is, loads nothing else, and its policy lets it load nothing else.
"""

from __future__ import annotations

import base64
import csv
import json
import re
import secrets
from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from posixpath import normpath

from tradegame.core.domain.private_values import are_secret
from tradegame.core.games.replay import Replay
from tradegame.core.tables.csv_files import guarded
from tradegame.core.tables.reports import Facts, Reports, pieces

INDEX = "reports.csv"
_SITE = resources.files("tradegame.controller.http").joinpath("site")
_ENTRY = "report/paper.js"
_STYLES = "base", "panels", "messages", "plots", "report"
_AREAS = "report", "common", "clock", "debrief", "source", "plots"
"""The words of these areas are in a page."""
_IMPORT = re.compile(r'((?:from|import) ")(\.[^"]+)(")')
_POLICY = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; base-uri 'none'"
_LANGUAGE = """
const known = (tag) => Object.hasOwn(catalogues, tag);
const language = navigator.languages.flatMap((tag) => [tag, tag.split("-")[0]]).find(known) ?? "en";
document.documentElement.lang = language;
globalThis.tradegame = { words: catalogues[language] };
"""


def write_pages(
    replay: Replay,
    folder: Path,
    separator: str = ",",
    *,
    reveal: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[int, bool]:
    """Write a page for each player into ``folder``, each under a name that nobody can guess, and a list of them.

    Returns how many there are, and whether ranks and what was possible were left out: they are while private values
    last, unless ``reveal``. Raises WrongLogError and OSError.
    """
    reports = Reports(replay)
    state = reports.make(progress)
    folder.mkdir(parents=True, exist_ok=True)
    before, after = _frame()
    private, secret = state.definition.private_values, are_secret(state) and not reveal
    with (folder / INDEX).open("w", encoding="utf-8-sig", newline="") as index:
        write = csv.writer(index, delimiter=separator, lineterminator="\r\n").writerow
        write(("player", "name", "file"))
        for player, fields in state.players.items():
            good = None if private is None else private.good
            facts = Facts(state.definition.id, state.definition.title, player, fields.name, good, reports.partial)
            own, compared = reports.of(player)
            report = b"".join(pieces(facts, reports.rounds, own, None if secret else compared)).decode()
            name = f"{secrets.token_hex(16)}.html"
            (folder / name).write_text(before + _in_html(report) + after, "utf-8")
            write((player, guarded(fields.name), name))
    return len(state.players), secret


def _frame() -> tuple[str, str]:
    """What stands before and after the report in each page."""
    modules = _modules(_ENTRY)
    urls = {
        name: f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"
        for name, text in modules.items()
    }
    styles = "".join(_read(f"css/{name}.css") for name in _STYLES)
    words = {file.name.removesuffix(".json"): _words(file.read_text("utf-8")) for file in _languages()}
    before = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>tradegame</title>\n'
        f"<style>{styles}</style>\n"
        f"<script>{{\nconst catalogues = {_in_html(json.dumps(words, ensure_ascii=False))};{_LANGUAGE}}}</script>\n"
        f'<script type="importmap">{json.dumps({"imports": urls})}</script>\n'
        '</head>\n<body>\n<script type="application/json" id="report">'
    )
    return before, f'</script>\n<script type="module">import "{_ENTRY}";</script>\n</body>\n</html>\n'


def _modules(entry: str) -> dict[str, str]:
    """A module and all that it imports, by their paths below ``js/``; imports name these."""
    found: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        folder = PurePosixPath(name).parent

        def named(told: re.Match[str], folder: PurePosixPath = folder) -> str:
            path = normpath(folder / told[2])
            waiting.append(path)
            return f"{told[1]}{path}{told[3]}"

        found[name] = _IMPORT.sub(named, _read(f"js/{name}"))
    return found


def _languages() -> list[Traversable]:
    return sorted(_SITE.joinpath("languages").iterdir(), key=lambda file: file.name)


def _words(catalogue: str) -> dict[str, object]:
    return {key: text for key, text in json.loads(catalogue).items() if key.split(".")[0] in _AREAS}


def _read(path: str) -> str:
    return _SITE.joinpath(path).read_text("utf-8")


def _in_html(text: str) -> str:
    """JSON within a script element: nothing in it ends that, whatever people are called."""
    return text.replace("<", "\\u003c")
