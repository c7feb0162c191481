"""What players say has budgets in bytes: others must read it, however slowly they do, and however many say it."""

from __future__ import annotations

from collections.abc import Callable

from tradegame.core.admission.pools import FEW_KEPT, Bucket, Pace, Pool, Rates, Seconds, Table
from tradegame.protocol.bounds import TEXT_LENGTH
from tradegame.protocol.reasons import Why, why

WHISPERS_PER_S = 8_192.0
WHISPERS_BURST = 32_768.0
"""So many bytes a second, and at once, may be whispered to a player through a node, by all others together."""
MESSAGE_BYTES = 200
"""A message's bytes besides its text, about."""
LONGEST_MESSAGE = MESSAGE_BYTES + 4 * TEXT_LENGTH
TALKERS_AT_FULL_RATE = 2
"""So many players of a game may say the longest messages at their full rate to everybody, through a node: more have
equal shares of that, in bytes. What is said goes to every follower, and each of them must be able to read it.
"""
MOST_KEPT = 20_000
"""At most so many that are not full. Newcomers beyond that share one."""


class MessageBudgets:
    """``commands_per_s`` and ``burst`` are a player's. ``refuse``: is given a time to wait, the budget and a message;
    raises RateLimitedError unless the time is 0.
    """

    def __init__(
        self,
        commands_per_s: float,
        burst: float,
        now: Callable[[], float],
        refuse: Callable[[Seconds, str, Why], None],
    ) -> None:
        longest, pace = LONGEST_MESSAGE * commands_per_s, Pace()
        rates: Rates = (TALKERS_AT_FULL_RATE * longest, longest, LONGEST_MESSAGE * burst)
        self._now = now
        self._refuse = refuse
        self._listeners = Table(
            lambda: Pool.of_nobody(WHISPERS_PER_S, WHISPERS_BURST, now(), pace),
            lambda row: row.full(now()),
            FEW_KEPT,
            MOST_KEPT,
        )
        self._games = Table(lambda: Pool(*rates, now(), pace), lambda row: row.full(now()), FEW_KEPT, MOST_KEPT)
        self._talkers = Table(
            lambda: Bucket(rates[2], now()), lambda row: row.full(rates, pace, now()), FEW_KEPT, MOST_KEPT
        )

    def __len__(self) -> int:
        """How many budgets are kept."""
        return len(self._listeners) + len(self._games) + len(self._talkers)

    def whisper(self, player: str, text: str) -> None:
        """Charge a whisper to whoever is to read it: others must not send more than a slow client reads.

        Raises RateLimitedError.
        """
        wait = self._listeners.get(player).draw(_bytes(text), self._now())
        self._refuse(wait, "whispers", why("much_whispered"))

    def talk(self, game: str, player: str, text: str) -> None:
        """Charge what a player says to everybody in a game. Raises RateLimitedError."""
        bucket = self._talkers.get(f"{game}/{player}")
        wait = self._games.get(game).take(bucket, _bytes(text), self._now())
        self._refuse(wait, "talk", why("much_said"))


def _bytes(text: str) -> int:
    """Of a message, about."""
    return MESSAGE_BYTES + len(text.encode(errors="replace"))
