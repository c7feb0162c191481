"""``core.domain.views``, as plain data."""

from __future__ import annotations

from typing import Any

import msgspec

from tradegame.core.domain import host_views, views
from tradegame.core.domain.state import GameState

debrief = views.debrief


def _plain(shown: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(shown))


def public_state(state: GameState) -> Any:
    return _plain(views.public_state(state))


def account(state: GameState, player: str) -> Any:
    return _plain(views.account(state, player))


def book(state: GameState, good: str, depth: int) -> Any:
    return _plain(views.book(state, good, depth))


def standings(state: GameState, limit: int) -> Any:
    return _plain(views.standings(state, limit))


def roster(state: GameState) -> Any:
    return _plain(host_views.roster(state))


def summary(state: GameState) -> Any:
    return _plain(views.summary(state))
