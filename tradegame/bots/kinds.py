"""The bundled kinds of bots, and which of them suits a game."""

from __future__ import annotations

from tradegame.bots.base import Bot
from tradegame.bots.informed import Informed
from tradegame.bots.market_maker import MarketMaker
from tradegame.bots.trend_follower import TrendFollower
from tradegame.bots.zero_intelligence import ZeroIntelligence
from tradegame.client.game import Game

KINDS: dict[str, type[Bot]] = {kind.kind: kind for kind in (ZeroIntelligence, MarketMaker, TrendFollower, Informed)}
"""By name, as the protocol's `Strategy` has them."""
USUAL = (ZeroIntelligence.kind, MarketMaker.kind, TrendFollower.kind)
"""In turn, where any kind will do."""


def suiting(game: Game) -> type[Bot] | None:
    """The kind that heeds private values or hints, where there are any: others would lose. None: any will do."""
    if game.me is not None and game.me.values:
        return ZeroIntelligence
    if any(rules.settlement for rules in game.state.rules.goods.values()):
        return Informed
    return None
