"""``python -m tools.generate``: write down again what follows from ``tradegame.protocol``.

The commands and events of both clients, the tables that the JavaScript client needs, the types of the wire in
``tradegame.d.ts``, and the tables of codes and reasons in docs/protocol.md. With ``--check``
nothing is written, and the exit code is 1 if a file is stale: ``tradegame.js``, too, if it was bundled from other
modules than are there.
"""

from __future__ import annotations

import hashlib
import string
import sys
from collections.abc import Callable
from pathlib import Path

from tools.javascript_client import client_types, commands_js, vocabulary_js
from tools.python_client import python_client
from tools.text import about, between
from tradegame.protocol import closing, errors
from tradegame.protocol.reasons import REASONS

ROOT = Path(__file__).parents[1]
SITE = ROOT / "tradegame" / "controller" / "http" / "site"
BUNDLE = SITE / "tradegame.js"


def protocol_page(old: str) -> str:
    """docs/protocol.md, with its tables of codes made anew."""
    codes = [
        f"| `{error.code}` | {'yes' if error.definite else '**no**'} | {' '.join(about(error))} |"
        for error in errors.OVER_WEBSOCKET
    ]
    closes = [f"| {code} | {text} |" for code, text in closing.ABOUT.items()]
    reasons = [f"| `{name}` | {_params(said)} | {said} |" for name, said in REASONS.items()]
    page = between(old, "<!-- close codes", "\n".join(["", "", "| close code | |", "|---|---|", *closes, "", ""]))
    page = between(
        page, "<!-- error codes", "\n".join(["", "", "| code | definite | when |", "|---|---|---|", *codes, "", ""])
    )
    head = ["", "", "| name | params | message |", "|---|---|---|"]
    return between(page, "<!-- reasons", "\n".join([*head, *reasons, "", ""]))


def _params(said: str) -> str:
    return ", ".join(f"`{name}`" for _, name, _, _ in string.Formatter().parse(said) if name)


FILES: dict[Path, Callable[[str], str]] = {
    ROOT / "tradegame" / "client" / "vocabulary.py": python_client,
    SITE / "js" / "client" / "vocabulary.js": vocabulary_js,
    SITE / "js" / "client" / "commands.js": commands_js,
    SITE / "tradegame.d.ts": client_types,
    ROOT / "docs" / "protocol.md": protocol_page,
}


def is_bundled() -> bool:
    """Whether tradegame.js names the modules that are there, by the digest that tools/javascript/rollup.config.js makes
    of them. Only Node can make the bundle, but anybody can see that it is stale.
    """
    digest = hashlib.sha256()
    for path in sorted((SITE / "js" / "client").iterdir()):
        digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()}" in BUNDLE.read_text("utf-8")


def main() -> int:
    checking = "--check" in sys.argv
    stale = []
    for path, make in FILES.items():
        old = path.read_text("utf-8") if path.exists() else ""
        if (new := make(old)) != old:
            stale.append(path)
            if not checking:
                path.write_text(new, "utf-8")
    if checking and not is_bundled():
        stale.append(BUNDLE)
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is stale: run make client' if checking else 'was written'}")
    return int(bool(stale) and checking)


if __name__ == "__main__":
    sys.exit(main())
