"""tradegame.d.ts: TypeScript's compiler takes a bot that uses all of it, and finds tradegame.js to be as it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.javascript.conftest import DIRECTORY
from tests.support.javascript import run
from tests.support.process import REPOSITORY

DEADLINE_S = 120.0
SITE = REPOSITORY / "tradegame" / "controller" / "http" / "site"
COMPILER = "node_modules/typescript/bin/tsc"

pytestmark = pytest.mark.slow


def test_a_bot_in_typescript_that_uses_the_whole_api_compiles_strictly(node: str) -> None:
    run([node, COMPILER, "-p", "types/tsconfig.json"], DIRECTORY, DEADLINE_S)


def test_the_client_is_of_the_types_that_it_promises(node: str, tmp_path: Path) -> None:
    shutil.copy(SITE / "tradegame.js", tmp_path / "client.js")
    shutil.copy(SITE / "tradegame.d.ts", tmp_path)
    shutil.copy(DIRECTORY / "types" / "agree.ts", tmp_path)
    options = json.loads((DIRECTORY / "types" / "tsconfig.json").read_text())["compilerOptions"]
    # of the client's own text: it is checked, but indexes lists without asking whether they are that long
    loose = {"exactOptionalPropertyTypes": False, "noUncheckedIndexedAccess": False}
    checked = {"allowJs": True, "checkJs": True, "noUnusedLocals": True, "noUnusedParameters": True}
    config = {"compilerOptions": options | loose | checked, "files": ["agree.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    run([node, COMPILER, "-p", str(tmp_path)], DIRECTORY, DEADLINE_S)
