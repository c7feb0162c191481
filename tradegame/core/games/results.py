"""The results of closed rounds, encoded once each: plain data, of up to a thousand players, that never changes."""

from __future__ import annotations

import json
from typing import Any

import trio
from attrs import define, field

from tradegame.core.domain import views
from tradegame.core.domain.private_values import are_secret
from tradegame.core.domain.state import GameState
from tradegame.core.games.public_state import Encoded

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@define(eq=False)
class Results:
    """The results of one game. What the state no longer keeps is dropped here, too."""

    _encoded: dict[tuple[int, bool, bool], tuple[dict[str, Any], bytes]] = field(factory=dict, init=False)

    async def debrief(self, state: GameState, *, host: bool) -> Encoded:
        """``views.debrief``, encoded, as of this call. Lets other tasks run between two rounds."""
        results, secret = state.last_results, are_secret(state)
        kept = {id(result) for result in results}
        for key in [key for key in self._encoded if key[0] not in kept]:
            del self._encoded[key]
        pieces = [b'{"rounds":[']
        for number, result in enumerate(results):
            key = id(result), secret, host
            found = self._encoded.get(key)
            if found is None:
                found = result, _json(views.result(result, secret=secret, host=host)).encode()
                self._encoded[key] = found
                await trio.lowlevel.checkpoint()
            pieces += [b",", found[1]] if number else [found[1]]
        return Encoded((*pieces, b"]}"))
