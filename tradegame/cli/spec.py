"""``tradegame spec``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What `tradegame spec` prints."""

    asyncapi = "asyncapi"
    openapi = "openapi"


def spec(
    which: Annotated[Document, typer.Argument(help="Of the WebSocket (asyncapi) or of HTTP (openapi).")],
) -> None:
    """Print what the server speaks, for machines: what it serves as /asyncapi.json and /openapi.json.

    [bold]tradegame spec asyncapi > asyncapi.json[/bold]
    """
    from tradegame.controller.spec import asyncapi, openapi

    document = asyncapi() if which is Document.asyncapi else openapi()
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
