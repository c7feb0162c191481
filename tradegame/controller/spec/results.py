"""What only HTTP answers: the results of rounds, presets, a node's vitals, and short acknowledgements."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from tradegame.controller.spec.words import Balance, Bps, Coins, Count, Millis, PlayerId, RecentTrade, Units
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.use_cases.requests import GameId, GoodId, Seq


@frozen(kw_only=True)
class Equilibrium:
    """Where supply meets demand: the lowest and the highest such price, and how many units change hands."""

    low: Coins
    high: Coins
    qty: Units


@frozen(kw_only=True)
class GoodResult:
    """A good in a closed round. ``demand`` and ``supply``: values dearest first, costs cheapest first; 500 at most,
    and none while another round may be played by them, but with the admin token.

    Prices are null where nothing was traded, ``settled`` where the good does not settle, ``equilibrium`` where nobody
    has private values or nothing can be traded. ``tape``: the round's last trades, oldest first.
    """

    trades: Count
    volume: Units
    notional: Coins
    open: Coins | None
    high: Coins | None
    low: Coins | None
    close: Coins | None
    settled: Coins | None
    equilibrium: Equilibrium | None
    demand: list[Coins]
    supply: list[Coins]
    tape: list[RecentTrade]


@frozen(kw_only=True)
class PlayerResult:
    """A player in a closed round: what he began with, what he had at its end, and the difference.

    ``start`` and ``worth`` are null while they would tell private values that another round may be played by, but with
    the admin token.
    """

    player: PlayerId
    name: str
    role: Literal["buyer", "seller"] | None
    start: Balance | None
    worth: Balance | None
    gain: Balance


@frozen(kw_only=True)
class RoundResult:
    """What a closed round came to. ``players``: whoever gained most first, 1000 at most.

    ``surplus``: what trade made, ``max_surplus`` the most that it could have made, ``efficiency_bps`` the one over the
    other; null without private values.
    """

    round: Count
    opened_at: Millis | None
    closed_at: Millis
    efficiency_bps: Bps | None
    surplus: Balance | None
    max_surplus: Coins | None
    goods: dict[GoodId, GoodResult]
    players: list[PlayerResult]


@frozen(kw_only=True)
class Debrief:
    """The results of the last closed rounds, oldest first."""

    rounds: list[RoundResult]


@frozen(kw_only=True)
class Preset:
    """A game that comes along: its ``definition``, every default filled in, is what ``POST /v1/games`` takes."""

    id: str
    title: str
    about: str
    definition: GameDefinition


@frozen(kw_only=True)
class Presets:
    """The games that come along, in order of the alphabet."""

    presets: list[Preset]


@frozen(kw_only=True)
class Reach:
    """Whether a page's WebSocket is let in: a browser does not tell the page why it was refused.

    ``reason``: why not, for a person, else null; ``setting``: what of config.toml the host has to change, where it is
    one, such as `server.origins`.
    """

    ok: bool
    reason: str | None
    setting: str | None


@frozen(kw_only=True)
class Vitals:
    """How a node does, over the last ten seconds; null where nothing can be said yet. ``reason``: why it is not ready.

    ``p99_ms``: of an append to the log. ``lag_ms``: the longest that a task which was ready to run had to wait, in the
    last minute. ``not_served``: games that are there and not served here. ``audit_problems``: must be 0.
    """

    ready: bool
    reason: str | None
    node: str
    version: str
    nodes: Count
    connections: Count
    players_online: Count
    commands_per_s: Count | None
    p99_ms: Count | None
    lag_ms: Count
    not_served: list[GameId]
    audit_problems: Count


@frozen(kw_only=True)
class Done:
    """It is done, and there is nothing to tell."""


@frozen(kw_only=True)
class Published:
    """It is in the game: ``seq`` is the game's last frame then."""

    seq: Seq
