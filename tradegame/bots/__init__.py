"""Bots: automated players that use only the public client.

Four kinds: ``zero_intelligence`` (random within its budget, and by its private values where it has them),
``market_maker`` (quotes both sides), ``trend_follower`` (moving averages) and ``informed`` (by hints of what a good
will settle at). ``run_bots`` lets a crowd of them play. One of your own is 15 lines::

    import trio
    from tradegame.client import connect
    from tradegame.bots import Bot, Take

    class Hoarder(Bot):
        kind = "hoarder"

        def decide(self, state, me):
            offers = [(good.best_ask, name) for name, good in state.goods.items() if good.best_ask]
            if not offers or me.cash < 10 * min(offers)[0]:
                return []
            price, name = min(offers)
            return [Take(name, "buy", 1, price)]

    async def main():
        async with connect("ws://127.0.0.1:8765/ws", name="hoarder") as client:
            await Hoarder(seed=1, pace=0.5).run(await client.join("bazaar"))

    trio.run(main)
"""

from tradegame.bots.base import Action, Amend, Bot, Quote, Take, Tally, Withdraw
from tradegame.bots.fleet import run_bots
from tradegame.bots.informed import Informed
from tradegame.bots.kinds import KINDS
from tradegame.bots.market_maker import MarketMaker
from tradegame.bots.trend_follower import TrendFollower
from tradegame.bots.zero_intelligence import ZeroIntelligence

__all__ = [
    "KINDS",
    "Action",
    "Amend",
    "Bot",
    "Informed",
    "MarketMaker",
    "Quote",
    "Take",
    "Tally",
    "TrendFollower",
    "Withdraw",
    "ZeroIntelligence",
    "run_bots",
]
