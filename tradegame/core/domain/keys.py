"""At most once: which commands were done, and which copies may still be.

A client sends a command again when its answer was lost, so copies of one command may arrive at any time, on any node.
A game remembers a player's last keys with their results, and answers a copy with the first result. Keys are forgotten,
so that the state stays small. What tells a late copy of a forgotten command from a new command is an order, and only
the client knows it: a command says how many keys its client had been told of when it made the command (``since``).

A player's keys are counted (``Player.ever``), and the count never falls: a new account begins with the number of all
keys that the game ever remembered, which no account's count exceeds. The count of the oldest key that is still known
is the floor. Suppose that a copy was done when the count was c, so ``since`` <= c. Another copy could only be done if
the key is forgotten, that is floor > c, and if ``since`` >= floor. Both cannot be. This holds for any delay, clock,
node and number of connections, as long as only a player's oldest key is ever forgotten.

The numbered sessions of Ongaro, "Consensus: Bridging Theory and Practice" (2014), 6.3, give the same for one client at
a time; a lower bound needs no sessions in the log.
"""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.events import Outcome, Rejected, Result
from tradegame.core.domain.remembered import recall, remembered_at_s
from tradegame.core.domain.state import Effects, GameState, Player
from tradegame.protocol.bounds import KEYS_REMEMBERED
from tradegame.protocol.commands import Command, payload_digest
from tradegame.protocol.errors import AheadError, KeyReusedError, RuleError, StaleError

KEYS_AGE_S = 600
"""A player's oldest key may go once it is this old, by the game's clock."""
KEYS_KEPT = 8
"""So many of a player's newest keys stay, whatever their age: a laptop may sleep with commands unanswered."""
COMPACTED_EVERY = 64
"""A dict keeps the places of what was deleted at its front, and whoever wants its first key passes over them all: it is
made anew after so many, for 3 us, and needs half the memory.
"""
TURN_EVERY = 4
FORGOTTEN_AT_ONCE = 16
"""At one in so many keyed commands a player is looked at, and so many of their oldest keys forgotten at most: some 3
us. Each command brings one key, so what is too old goes faster than new keys come.
"""


def stamp(state: GameState, command: Command) -> None:
    """Fill in ``since`` and ``epoch`` of a keyed command whose client did not say them, as far as this node knows.

    A node that lags fills in less, which is only stricter. For whoever has no account here, `remembered` is no more
    than what their account will begin with.
    """
    if command.key is None:
        return
    if command.since is None:
        player = state.commander(command.player)
        command.since = state.remembered if player is None else player.ever
    if command.epoch is None:
        command.epoch = state.epoch


@frozen
class KeyService:
    """The keys of one game's players."""

    state: GameState

    def known(self, player: Player, command: Command, digest: str, effects: Effects) -> Outcome:
        """What a remembered key came to: the first result, or that another command used it."""
        assert command.key is not None
        kept = player.keys[command.key]
        first, result = recall(kept) if kept else effects.keys[command.player, command.key][1:]
        if first == digest:
            return Outcome(result, replayed=True, keys=player.ever)
        reused = Rejected.of(KeyReusedError(f"the key {command.key!r} stood for another command"))
        return Outcome(reused, keys=player.ever)

    def refusal(self, player: Player, command: Command) -> RuleError | None:
        """Why a command whose key is not remembered must not be done. Says 0 who says no ``since``."""
        since = command.since or 0
        if since > player.ever:
            return AheadError(f"since {since}: this game knows of {player.ever} keys, so its store went back")
        if since < player.ever - len(player.keys):
            return StaleError(f"since {since}: the game has forgotten keys up to {player.ever - len(player.keys)}")
        return None

    def remember(self, player: Player, command: Command, digest: str, result: Result, effects: Effects) -> None:
        """Remember a key that is new, until the end of its entry with its result in ``effects``."""
        assert command.key is not None
        if len(player.keys) >= KEYS_REMEMBERED:
            del player.keys[next(iter(player.keys))]
            self.state.known -= 1
            if player.ever % COMPACTED_EVERY == 0:
                player.keys = dict(player.keys)
        player.keys[command.key] = ""
        player.ever += 1
        self.state.remembered += 1
        self.state.known += 1
        effects.keys[command.player, command.key] = player, digest or payload_digest(command), result
        if len(player.keys) == KEYS_KEPT + 1:
            self.state.aging.append(command.player)
        if self.state.remembered % TURN_EVERY == 0:
            self._forget()

    def _forget(self) -> None:
        """Forget the oldest keys of the player whose turn it is, if they are too old.

        ``aging`` has everybody with more than `KEYS_KEPT` keys. It goes round by players, not by keys: so it is no
        longer than there are players, however many keys come, and finds the keys that stayed for being among the
        newest once they no longer are.
        """
        state = self.state
        if not state.aging or (player := state.commander(name := state.aging.popleft())) is None:
            return
        keys, oldest_s = player.keys, state.clock // 1000 - KEYS_AGE_S
        for _ in range(min(FORGOTTEN_AT_ONCE, len(keys) - KEYS_KEPT)):
            oldest, kept = next(iter(keys.items()))
            if not kept or remembered_at_s(kept) > oldest_s:
                break
            del keys[oldest]
            state.known -= 1
        if len(keys) > KEYS_KEPT:
            state.aging.append(name)
        else:
            player.keys = dict(keys)  # a dict that shrinks keeps the room of its greatest size
