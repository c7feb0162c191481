"""A game's public state, as JSON in parts that are encoded when they change: most of a large game is shared.

300 players who join within a second make 300 new states, each of which differs from the previous by one name. So the
document is cut into what never changes, the phase, each good, the players in chunks, the messages, the news. A client
is sent these pieces one after another, and clients that have not read yet share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from attrs import define, field, frozen

from tradegame.core.domain import views
from tradegame.core.domain.private_values import public_winners
from tradegame.core.domain.state import GameState
from tradegame.core.domain.state import Player as Fields
from tradegame.protocol.replies import Following
from tradegame.protocol.state import Player

CHUNK = 64
"""Players in a chunk when it is sealed. What follows the last sealed one is encoded at each join: some 2 KiB."""
CHUNK_MOST = 1_024
"""Two sealed chunks of one size are merged up to this, so 10 000 players are some 15 pieces of at most 40 KiB."""

_json = msgspec.json.Encoder().encode


@frozen
class Encoded:
    """A JSON document that is already encoded, in pieces. None of them is empty."""

    pieces: tuple[bytes, ...]


@frozen
class Stated:
    """The reply to a ``join``, whose ``state`` is encoded already."""

    ok: Following
    state: Encoded


@define(eq=False)
class PublicState:
    """The public state of one game. For another epoch, or a rebuilt state, it starts afresh."""

    _state: GameState | None = field(default=None, init=False)
    _parts: dict[str, tuple[Any, bytes]] = field(factory=dict, init=False)
    _sealed: list[tuple[int, bytes]] = field(factory=list, init=False)
    _sealed_players: int = field(default=0, init=False)
    _open: bytes = field(default=b"", init=False)
    _players: int = field(default=0, init=False)
    _other: tuple[int, tuple[str, ...], tuple[str, ...]] = field(default=(0, (), ()), init=False)
    """What else but the number of players may change the list of them: how many have gone, robots, stand-ins."""
    _each: dict[str, tuple[Fields, Player]] = field(factory=dict, init=False)
    """Players, and how they are shown: made once, since of all players it takes 3 ms, and robots come and go."""

    def encoded(self, state: GameState) -> Encoded:
        """``views.public_state``, encoded. Costs what has changed since the last call."""
        return Encoded((b"{", *self.fields(state), b"}"))

    def fields(self, state: GameState) -> tuple[bytes, ...]:
        """The same without its braces, to be embedded in a larger object."""
        if state is not self._state:
            self._parts.clear()
        other = state.gone, tuple(state.robots), tuple(state.seats)
        if state is not self._state or other != self._other:
            self._forget(state, *other[1:])
            self._sealed.clear()
            self._open, self._players, self._sealed_players = b"", 0, 0
            self._state, self._other = state, other
        pieces = [self._part("fixed", (), lambda: _fixed(state))]
        phase = (state.phase, state.round, state.ends_at, state.opened_at, tuple(state.settled.items()))
        pieces.append(
            self._part(
                "phase",
                (*phase, state.locked, state.chat, state.reports, state.paused_at, state.over, public_winners(state)),
                lambda: b"," + _phase(state) + b',"goods":{',
            )
        )
        for number, (good, market) in enumerate(state.markets.items()):
            shown = views.best(market)
            pieces.append(
                self._part(
                    f"good {good}",
                    (market.last, market.volume, shown, market.mark),
                    lambda number=number, good=good, market=market: (
                        (b"," if number else b"") + _json(good) + b":" + _json(views.good(market))
                    ),
                )
            )
        pieces.append(b'},"players":{')
        pieces += self._players_of(state)
        pieces.append(b"},")
        messages, news = state.messages, state.news
        pieces.append(
            self._part(
                "messages",
                tuple([message.number for message in messages]),
                lambda: b'"messages":' + _json(tuple(messages)) + b",",
            )
        )
        pieces.append(self._part("news", news[-1] if news else None, lambda: b'"news":' + _json(tuple(news))))
        return tuple(pieces)

    def _forget(self, state: GameState, robots: tuple[str, ...], stand_ins: tuple[str, ...]) -> None:
        """What is not so any more of how players are shown."""
        _, were_robots, had_stand_ins = self._other
        if state is not self._state:
            self._each.clear()
        for player in self._each.keys() - state.players.keys():
            del self._each[player]
        for before, now in ((were_robots, robots), (had_stand_ins, stand_ins)):
            for player in {*before, *now} if before != now else ():
                self._each.pop(player, None)

    def _part(self, name: str, key: Any, encode: Any) -> bytes:
        known = self._parts.get(name)
        if known is None or not _same(known[0], key):
            known = self._parts[name] = key, encode()
        return known[1]

    def _players_of(self, state: GameState) -> list[bytes]:
        """Players keep their names: what was encoded once stays valid, until one goes or a robot comes."""
        count = len(state.players)
        if count != self._players:
            self._players = count
            fresh = _last(state, count - self._sealed_players)
            while len(fresh) >= CHUNK:
                self._seal(CHUNK, self._chunk(state, fresh[:CHUNK]))
                fresh = fresh[CHUNK:]
            self._open = self._chunk(state, fresh)
        pieces = [piece for _, piece in self._sealed]
        return [*pieces, self._open] if self._open else pieces

    def _chunk(self, state: GameState, players: list[str]) -> bytes:
        each, shown = self._each, dict[str, Player]()
        for player in players:
            fields, known = state.players[player], each.get(player)
            if known is None or known[0] is not fields:  # of who went and came back there are others
                known = each[player] = fields, views.player(state, player)
            shown[player] = known[1]
        entries = _json(shown)[1:-1]
        return b"," + entries if self._sealed and entries else entries

    def _seal(self, players: int, chunk: bytes) -> None:
        sealed = self._sealed
        self._sealed_players += players
        sealed.append((players, chunk))
        while len(sealed) > 1 and sealed[-2][0] == sealed[-1][0] < CHUNK_MOST:
            (more, last), (some, before) = sealed.pop(), sealed.pop()
            sealed.append((some + more, before + last))


def _same(known: Any, key: Any) -> bool:
    """The same object; or, for plain values, an equal one. Two messages are different even if their texts are equal."""
    return known is key or (type(key) is tuple and known == key)


def _fields(**fields: Any) -> bytes:
    return _json(fields)[1:-1]


def _fixed(state: GameState) -> bytes:
    """What is the same for all the game's life."""
    definition = state.definition
    groups, group = views.groups(definition), views.its_group(definition)
    return _fields(
        title=definition.title,
        about=definition.about,
        rules=views.rules(definition),
        **({"groups": groups} if groups else {}),
        **({"group": group} if group else {}),
    )


def _phase(state: GameState) -> bytes:
    """What changes with the phase."""
    return _fields(
        phase=state.phase,
        round=state.round,
        ends_at=state.ends_at,
        opened_at=state.opened_at,
        settled=views.settled(state),
        **({"locked": True} if state.locked else {}),
        **({} if state.chat else {"chat": False}),
        **({"reports": True} if state.reports else {}),
        **({} if state.paused_at is None else {"paused_at": state.paused_at}),
        **({} if state.terms.told is None else {"treatment": state.terms.told}),
        **({"over": True} if state.over else {}),
        **({"winners": winners} if (winners := public_winners(state)) else {}),
    )


def _last(state: GameState, count: int) -> list[str]:
    """The last ``count`` players in the order of joining."""
    newest_first: Iterable[str] = reversed(state.players)
    last = [player for player, _ in zip(newest_first, range(count), strict=False)]
    last.reverse()
    return last
