"""The public Python client, on trio.

A bot that is of some use, whole::

    import trio
    from tradegame.client import TradeError, connect

    async def main() -> None:
        async with connect("ws://127.0.0.1:8765/ws", name="ann") as client:
            game = await client.join("bazaar")
            async for _ in game.events():  # something happened: has grain become cheap, or dear?
                grain = game.state.goods["grain"]
                try:
                    if grain.best_ask is not None and grain.best_ask < 20:
                        await game.buy("grain", 1, limit=19)
                    elif grain.best_bid is not None and grain.best_bid > 24 and game.me.goods["grain"]:
                        await game.sell("grain", 1, limit=25)
                except TradeError as error:  # too poor, too late, closed: the server says which
                    print(error)

    trio.run(main)

The connection is the client's own business: it is made again when it breaks, games are resumed where they were, and
a command that was not answered is sent again and has one effect. See ``connect`` for all of the contract, ``Game`` for
what can be done in a game, ``tradegame.client.vocabulary`` for what can happen, and ``tradegame.bots`` for bots.
"""

from tradegame.client import vocabulary
from tradegame.client.connect import Client, Statistics, connect
from tradegame.client.errors import ConnectionStopped, NotConnected, ProtocolError, TradeError
from tradegame.client.events import Event, Lagged, Reset
from tradegame.client.game import Game
from tradegame.client.keys import Key
from tradegame.client.link import Status
from tradegame.client.results import Pong
from tradegame.client.state import Good, State
from tradegame.client.streams import EventStream
from tradegame.client.vocabulary import *  # noqa: F403
from tradegame.protocol.pushes import AccountChanged, Fills, Presence, Whisper
from tradegame.protocol.replies import DeviceCodeMade, PlayerInfo, ServerInfo
from tradegame.protocol.state import (
    Account,
    Book,
    DoneOrder,
    Fill,
    GameSummary,
    Message,
    OpenOrder,
    OwnOrders,
    Player,
    Position,
    Standing,
)

__all__ = [
    "Account",
    "AccountChanged",
    "Book",
    "Client",
    "ConnectionStopped",
    "DeviceCodeMade",
    "DoneOrder",
    "Event",
    "EventStream",
    "Fill",
    "Fills",
    "Game",
    "GameSummary",
    "Good",
    "Key",
    "Lagged",
    "Message",
    "NotConnected",
    "OpenOrder",
    "OwnOrders",
    "Player",
    "PlayerInfo",
    "Pong",
    "Position",
    "Presence",
    "ProtocolError",
    "Reset",
    "ServerInfo",
    "Standing",
    "State",
    "Statistics",
    "Status",
    "TradeError",
    "Whisper",
    "connect",
    *vocabulary.__all__,
]
