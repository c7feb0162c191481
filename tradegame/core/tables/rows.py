"""The tables: a class each, whose fields are the columns. The codebook is made of them."""

from __future__ import annotations

from typing import Annotated, Any

from tradegame.core.tables.columns import EachRound, Kind, Of, Row

Count = Annotated[int, Of(Kind.INTEGER)]
Coins = Annotated[int, Of(Kind.INTEGER, "coins")]
PerUnit = Annotated[int, Of(Kind.INTEGER, "coins a unit")]
Units = Annotated[int, Of(Kind.INTEGER, "units")]
Bps = Annotated[int, Of(Kind.INTEGER, "hundredths of a percent")]
Millis = Annotated[int, Of(Kind.INTEGER, "ms")]
Time = Annotated[int, Of(Kind.TIME, "UTC, to the ms")]
Id = Annotated[str, Of(Kind.ID)]
Word = Annotated[str, Of(Kind.WORD)]
Text = Annotated[str, Of(Kind.TEXT)]
Flag = Annotated[bool, Of(Kind.FLAG)]

Round = Annotated[Count, "Number of the round, from 1; 0 is the practice round."]
Practice = Annotated[Flag, "It is the practice round, and counts in no total."]
Player = Annotated[Id, "Id of the player, as in the table players."]
Good = Annotated[Id, "Id of the good."]
At = Annotated[Time, "When it happened, by the game's clock."]


class Fact(Row):
    """A row of the table game."""

    sheet = "game"
    about = "What the game is, what of it is in these tables, and its whole definition."

    item: Annotated[Word, "What is told. `definition.…` is a setting of the game, by its path."]
    value: Annotated[
        Text | None, "Its value; times are UTC. Settings have the units of docs/hosting.md: coins, units, seconds."
    ]


class PlayerRow(Row):
    """A row of the table players."""

    sheet = "players"
    about = (
        "Everybody who has an account in the game, or had one that the host removed, in the order of joining; then"
        " those on the host's roster who never came."
    )

    player: Annotated[Id | None, "Id of the player: nothing can be read from it. Empty: never came."]
    label: Annotated[Text | None, "What the host's roster calls the player. Empty: has no seat on one."]
    name: Annotated[Text | None, "What the game calls the player. Of who never came, the roster's name, if it has one."]
    group: Annotated[Text | None, "The group on the roster, or that the player was put into."]
    team: Annotated[Text | None, "The team on the roster."]
    role: Annotated[Word | None, "`buyer` or `seller`. Empty without private values, and before the first deal."]
    robot: Annotated[Flag, "The server played it. The table orders tells where a robot sat in for somebody."]
    removed: Annotated[Flag, "The host took the account away, or the robot left. Then total and rank are empty."]
    joined_at: Annotated[Time | None, "When the account was opened. Empty: before `begins_at` in the table game."]
    rounds: Annotated[Count, "How many closed rounds that count the player took part in, of those in rounds."]
    gain: Annotated[
        tuple[Annotated[Coins | None, EachRound], ...],
        "Gain in this round (worth - start). Empty: took no part. The last 30 that count; results has all.",
    ]
    total: Annotated[
        Coins | None,
        "The score: the gains of all closed rounds together, also of earlier ones. Empty in the entrance of groups.",
    ]
    rank: Annotated[Count | None, "Place by total, from 1, among all who took part. Equal totals share a place."]

    def cells(self) -> tuple[Any, ...]:
        told = self.player, self.label, self.name, self.group, self.team
        head = *told, self.role, self.robot, self.removed, self.joined_at, self.rounds
        return *head, *self.gain, self.total, self.rank


class RoundRow(Row):
    """A row of the table rounds."""

    sheet = "rounds"
    about = (
        "Every round that was open, and what it came to. One that was opened by hand, and that nobody traded in, is not"
        " here, and has no number: what other tables tell of it stands under that of the next one."
    )

    round: Round
    practice: Practice
    opened_at: Annotated[Time | None, "When trading opened."]
    closed_at: Annotated[Time | None, "When trading closed. Empty: the round is open; then it has no results yet."]
    open_ms: Annotated[Millis | None, "How long trading was open, without pauses. Empty: not known for earlier rounds."]
    players: Annotated[Count | None, "How many took part."]
    surplus: Annotated[Coins | None, "What trade made, by private values. Empty without them."]
    max_surplus: Annotated[Coins | None, "The most that trade could have made."]
    efficiency_bps: Annotated[Bps | None, "surplus over max_surplus."]


class GoodRow(Row):
    """A row of the table goods."""

    sheet = "goods"
    about = "Each good in each closed round."

    round: Round
    good: Good
    trades: Annotated[Count, "How many trades."]
    volume: Annotated[Units, "How much was traded."]
    notional: Annotated[Coins, "What was paid for it, without fees: the sum of price times quantity."]
    open: Annotated[PerUnit | None, "Price of the first trade."]
    high: Annotated[PerUnit | None, "Highest price."]
    low: Annotated[PerUnit | None, "Lowest price."]
    close: Annotated[PerUnit | None, "Price of the last trade."]
    settled: Annotated[PerUnit | None, "What each unit was paid at the close. Empty: the good does not settle."]
    mark: Annotated[PerUnit | None, "What a unit counted for in worth at the close. Empty where values are private."]
    mark_source: Annotated[Word | None, "Where the mark comes from: `anchor`, `bid`, `book`, `last` or `settled`."]
    tax: Annotated[Coins, "What the taxes on both sides came to."]
    equilibrium_low: Annotated[
        PerUnit | None, "Lowest price at which as many units are wanted as are offered, under taxes and price limits."
    ]
    equilibrium_high: Annotated[PerUnit | None, "Highest such price."]
    equilibrium_qty: Annotated[Units | None, "How many units are traded there."]
    equilibrium_surplus: Annotated[Coins | None, "The most that trade of so many units makes."]


class ResultRow(Row):
    """A row of the table results."""

    sheet = "results"
    about = (
        "Each player in each closed round in which they took part; who gained most first. Who was removed and"
        " readmitted in a round began it anew: their trades of before do not count in it."
    )

    round: Round
    practice: Practice
    player: Player
    role: Annotated[Word | None, "`buyer` or `seller`, with private values."]
    start: Annotated[Coins, "What the player began the round with, at the marks (or private values) of the close."]
    worth: Annotated[Coins, "What the player had at the close, after goods were paid."]
    gain: Annotated[Coins, "worth - start."]
    rank: Annotated[Count, "Place by gain, from 1. Equal gains share a place."]


class OrderRow(Row):
    """A row of the table orders."""

    sheet = "orders"
    about = (
        "Every order of a player that was accepted, in the order in which they ended; those that are open at the end"
        " of the log last. The house's quotes are not here: see quotes and trades."
    )

    order: Annotated[Id | None, "Id of the limit order. Empty for a market order (`buy` and `sell`)."]
    kind: Annotated[Word, "`limit` or `market`."]
    round: Annotated[Count | None, "Number of the round in which it was placed."]
    player: Player
    good: Good
    side: Annotated[Word, "`bid` buys, `ask` sells."]
    qty: Annotated[Units, "How much was asked for. Of an order from before `begins_at`: filled and left."]
    price: Annotated[PerUnit | None, "The limit. Empty: a market order without one."]
    placed_at: Annotated[Time | None, "When it was placed. Empty: before `begins_at` in the table game."]
    filled: Annotated[Units, "How much of it traded."]
    reduced: Annotated[Units, "How much an amendment took off, while it kept its place."]
    left: Annotated[Units, "How much was left when it ended. qty = filled + reduced + left."]
    became: Annotated[
        Word,
        "`filled`; `cancelled`: by its player, or with their account; `met_own`: another order of its player met it;"
        " `replaced`: by an amendment; `disconnected`: its player was away; `round_over`; `expired`: what a market"
        " order did not get; `open`: it is in the book at the end of the log.",
    ]
    ended_at: Annotated[Time | None, "When it ended. Empty: it is open."]
    replaces: Annotated[Id | None, "Id of the order that it was amended from."]
    by_robot: Annotated[Flag, "A robot placed it: the player is one, or it sat in for the player."]


class TradeRow(Row):
    """A row of the table trades."""

    sheet = "trades"
    about = "Every trade. Both sides are named, in an anonymous game too."

    trade: Annotated[Count, "Number of the trade in the game."]
    at: At
    round: Round
    good: Good
    price: Annotated[PerUnit, "What was paid for a unit: the price of the order that rested."]
    qty: Annotated[Units, "How much was traded."]
    taker: Annotated[Word, "Who took: `buy` if the buyer met an order that rested, `sell` if the seller did."]
    buyer: Annotated[Id, "Id of the buyer, or `house`."]
    seller: Annotated[Id, "Id of the seller, or `house`."]
    buyer_order: Annotated[Id | None, "Id of the buyer's order. Empty for a market order."]
    seller_order: Annotated[Id | None, "Id of the seller's order. Empty for a market order."]
    fee: Annotated[Coins, "The fee that the taker paid."]
    buyer_tax: Annotated[Coins, "What the buyer paid besides."]
    seller_tax: Annotated[Coins, "What the seller paid of the price."]


class QuoteRow(Row):
    """A row of the table quotes."""

    sheet = "quotes"
    about = "The best bid and ask of a good, each time that a step of the game changed them."

    at: At
    seq: Annotated[Count, "Number of the frame that told of it: rows of one frame happened in one step."]
    round: Round
    good: Good
    bid: Annotated[PerUnit | None, "The best bid's price. Empty: there is none."]
    bid_qty: Annotated[Units | None, "How much is wanted at that price."]
    ask: Annotated[PerUnit | None, "The best ask's price. Empty: there is none."]
    ask_qty: Annotated[Units | None, "How much is offered at that price."]


class ValueRow(Row):
    """A row of the table values."""

    sheet = "values"
    about = "The private values that players had in each round, a row a unit. Empty without private values."

    round: Round
    player: Player
    role: Annotated[Word, "`buyer` or `seller`."]
    unit: Annotated[Count, "Which unit, from 1: the first is worth most."]
    value: Annotated[PerUnit, "What the unit is worth to a buyer, or costs a seller who gives it away."]


class HintRow(Row):
    """A row of the table hints."""

    sheet = "hints"
    about = "What players were told, alone, of a good that settles. Empty where none does."

    at: At
    round: Round
    player: Player
    good: Good
    ruled_out: Annotated[PerUnit, "A value at which the good will not settle."]


class NewsRow(Row):
    """A row of the table news."""

    sheet = "news"
    about = "Every headline, scheduled or the host's."

    at: At
    round: Round
    text: Annotated[Text, "The headline."]
    good: Annotated[Id | None, "Id of the good that it is about, if it is about one."]
    anchor_bps: Annotated[Bps, "By how much it moved the house's price of the good."]


class ChatRow(Row):
    """A row of the table chat."""

    sheet = "chat"
    about = "What was said to everybody and to one player, and what the host deleted of it."

    at: At
    event: Annotated[Word, "`said` to everybody, `whispered` to one, or `deleted` by the host."]
    number: Annotated[Count | None, "Number of the message in the game. Whispers have none."]
    player: Annotated[Id | None, "Id of who spoke. Empty where one was deleted."]
    to: Annotated[Id | None, "Id of the player to whom it was whispered."]
    text: Annotated[Text | None, "What was said. Empty where a message was deleted: it stands in an earlier row."]


class Entry(Row):
    """A row of the codebook."""

    sheet = "codebook"
    about = "This table: every column of every table."

    table: Annotated[Word, "The table (sheet, or file)."]
    column: Annotated[Word | None, "The column. Empty: the row tells of the table as a whole."]
    kind: Annotated[Word | None, "Type of its values: integer, text, time, true or false. No value: the cell is empty."]
    unit: Annotated[Word | None, "Their unit."]
    meaning: Annotated[Word, "What it is."]


TABLES: tuple[type[Row], ...] = (
    Fact,
    PlayerRow,
    RoundRow,
    GoodRow,
    ResultRow,
    OrderRow,
    TradeRow,
    QuoteRow,
    ValueRow,
    HintRow,
    NewsRow,
    ChatRow,
    Entry,
)
"""In the order of the workbook's sheets."""
