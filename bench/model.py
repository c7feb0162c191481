"""A cost model: what a node of one core and an etcd carry, from what was measured, by formulas that are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from bench.table import Line, spoken
from tradegame.core.games.appender import GATHER_MOST_S

BUSY = 0.7
"""The part of a core that is planned for: the rest keeps answers quick, and takes the peaks."""
PERSON, ROBOT = 0.2, 5.0
"""Commands a second."""
CROWD = 1_000
COLUMNS = ("what", "formula", "comes to")


@frozen
class Costs:
    """What the formulas are made of, by their letters. Times are in s, memory in KiB."""

    c: float  # CPU of a command, its answer, and what 64 followers see of it
    w: float  # commands a second of a core, where many are under way
    d: float  # CPU of a frame for one follower
    m: float  # memory of a connection
    h: float  # part of a core, for a connection's heartbeats
    r: float  # CPU of a command that another node took in: to apply it
    e: float  # CPU of an entry of one command, on etcd
    p: float  # how long a put takes
    g: float  # commands a second through one etcd

    @classmethod
    def of(cls, lines: Mapping[str, Line]) -> Costs | None:
        """From the lines of a whole run, by job and row; None if one is missing."""
        try:
            put = lines["lone-etcd.p50"].beside
            assert put is not None
            return cls(
                c=lines["buy.cpu"].ours / 1e6,
                w=lines["pipelined.rate"].ours,
                d=lines["say.peer"].ours / 1e6,
                m=lines["idle.memory"].ours,
                h=lines["heartbeats.cpu"].ours / 100 / 10_000,
                r=1 / lines["replay.rate"].ours,
                e=lines["lone-etcd.cpu"].ours / 1e6,
                p=put / 1e3,
                g=lines["pipelined-etcd.rate"].ours,
            )
        except KeyError:
            return None

    def frames(self, followers: int) -> float:
        """A second, of a busy game: after each it waits, so that commands gather."""
        shown = followers * self.d
        return 1 / (shown + min(shown, GATHER_MOST_S))

    def showing(self, followers: int) -> float:
        """The part of a core that a busy game needs to show itself to so many."""
        return self.frames(followers) * followers * self.d

    def players(self, rate: float) -> int:
        """How many may follow a game and give ``rate`` commands a second each."""
        few, many = 0, 10**7
        while many - few > 1:
            half = (few + many) // 2
            if half * rate * self.c + self.showing(half) <= BUSY:
                few = half
            else:
                many = half
        return few

    def nodes(self, commands: float, followers: int, frames: float) -> float:
        """How many nodes a game needs: each applies every command, and shows each frame to its own followers."""
        return (commands * self.c + followers * frames * self.d) / (BUSY - commands * self.r)


def cost_model(costs: Costs) -> list[tuple[str, str, str]]:
    """By COLUMNS."""
    crowded = max(0.0, BUSY - costs.showing(CROWD)) / costs.c
    rows = [
        ("silent connections a core", "0.7 / h", BUSY / costs.h),
        ("silent connections a GiB", "1 GiB / m", 2**20 / costs.m),
        ("trades a second, a game of 64", "0.7 / c", BUSY / costs.c),
        ("the same where programs have many commands under way", "0.7 w", BUSY * costs.w),
        ("frames a second of a busy game, 1 000 followers", "1 / (2 F d)", costs.frames(CROWD)),
        ("frames a second of a busy game, 5 000 followers", "1 / (F d + 50 ms)", costs.frames(5 * CROWD)),
        ("trades a second beside 1 000 followers", "(0.7 − their frames F d) / c", crowded),
        ("people in one game, a trade every 5 s each", "P · 0.2 c + their frames P d = 0.7", costs.players(PERSON)),
        ("robots in one game, five commands a second each", "P · 5 c + their frames P d = 0.7", costs.players(ROBOT)),
        ("entries of one command a second, a node on etcd", "0.7 / e", BUSY / costs.e),
        ("classes of 30 such people, a node on etcd", "0.7 / e / (30 · 0.2)", BUSY / costs.e / (30 * PERSON)),
        ("entries a second, one etcd, one after the other", "1 / p", 1 / costs.p),
        ("classes of 30 such people on it", "1 / p / (30 · 0.2)", 1 / costs.p / (30 * PERSON)),
        ("commands a second, one etcd, in large entries", "g", costs.g),
        ("commands a second that every node can apply", "0.7 / r", BUSY / costs.r),
        (
            "nodes for 1 000 trades a second, 10 000 followers, 10 frames a second",
            "(T c + F f d) / (0.7 − T r)",
            costs.nodes(1_000, 10_000, 10),
        ),
    ]
    return [(what, formula, spoken(_two_digits(value))) for what, formula, value in rows]


def _two_digits(value: float) -> float:
    """What is derived is no more exact than that."""
    return float(f"{value:.2g}")
