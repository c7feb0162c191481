"""The game: applies one entry of the log after another. Pure and total; the same on every node.

``apply`` takes everything from the entry and the state: time is the entry's ``at``, chance is in the state.
An exception that no rule foresaw leaves the state half changed: whoever applies must then stop using it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeAlias

from tradegame.core.domain.accounts import AccountService
from tradegame.core.domain.book import ASK, BID
from tradegame.core.domain.chance import STATE_BITS
from tradegame.core.domain.charges import ChargeService
from tradegame.core.domain.chat import ChatService
from tradegame.core.domain.dealing import DealingService
from tradegame.core.domain.definition import RESERVED_PLAYERS, GameDefinition, to_json
from tradegame.core.domain.departures import DepartureService
from tradegame.core.domain.events import Applied, Frame, Outcome, Rejected, Result
from tradegame.core.domain.groups import GroupService
from tradegame.core.domain.house import HouseService
from tradegame.core.domain.keys import KeyService
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.moderation import ModerationService, check_admission
from tradegame.core.domain.naming import NamingService
from tradegame.core.domain.orders import OrderService
from tradegame.core.domain.pausing import PauseService
from tradegame.core.domain.private_values import PrivateValuesService
from tradegame.core.domain.readiness import ReadinessService
from tradegame.core.domain.recording import RecordingService
from tradegame.core.domain.remembered import remember
from tradegame.core.domain.robots import NO_SEAT, RobotService, played_by_server
from tradegame.core.domain.roster import RosterService
from tradegame.core.domain.rounds import RoundService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import BEST_LEVELS, DUE_AN_ENTRY, Effects, GameState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.bounds import Level
from tradegame.protocol.commands import (
    AddTime,
    Announce,
    Arrive,
    Command,
    Depart,
    Entry,
    Join,
    Mute,
    Pause,
    Readmit,
    Remove,
    RenewSeat,
    Reveal,
    SetAccess,
    SetClock,
    SetGroup,
    SetPhase,
    SetRobots,
    SetRoster,
    SitIn,
    Staff,
    Tell,
    Unsay,
    decode_entry,
    encode_entry,
    payload_digest,
)
from tradegame.protocol.errors import (
    EpochOverError,
    NotAdmittedError,
    NotJoinedError,
    RuleError,
    UnknownPlayerError,
)
from tradegame.protocol.ops import HostCommand, PlayerCommand
from tradegame.protocol.pushes import BookChanged, MarkChanged
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, Ready, Say, SellGood

_WITHOUT_ACCOUNT = (Join, HostCommand)
_Due: TypeAlias = tuple[Callable[[], int | None], Callable[[int, Effects], None], bool]
"""When something happens next, in ms, what it does, and whether `DUE_AN_ENTRY` bounds it."""


class Game:
    """One game: its state and the services that change it."""

    def __init__(self, state: GameState, recording: Callable[[GameState], RecordingService] = RecordingService) -> None:
        """``recording``: another class writes down more."""
        self.state = state
        trading = TradingService(state, recording(state), ChargeService(state))
        self._marks = MarkService(state)
        house = HouseService(state, trading, self._marks)
        self.free_some, self.has_dropped = trading.free_some, trading.has_dropped
        self._keys = KeyService(state)
        private_values = PrivateValuesService(state)
        self._settlement = settlement = SettlementService(state, self._marks, trading.recording)
        self._pauses = pauses = PauseService(state)
        self._dealing = dealing = DealingService(state, trading.recording, private_values, settlement)
        self._departures = departures = DepartureService(state, trading, self._marks)
        self._accounts = AccountService(state, trading, NamingService(state), private_values, settlement, departures)
        self._robots = robots = RobotService(state, self._accounts)
        self._rounds = RoundService(
            state, trading, house, self._marks, private_values, settlement, dealing, pauses, robots
        )
        self._moderation = ModerationService(state, self._accounts)
        self._roster = RosterService(state, self._accounts.naming)
        self._readiness = ReadinessService(state)
        self.refusals = self._readiness.refusals
        self._groups = GroupService(state)
        orders, chat = OrderService(state, trading), ChatService(state)
        self._handlers: dict[type[Command], Callable[[Any, Effects], Result]] = {
            Join: self._join,
            Arrive: self._arrive,
            Depart: robots.depart,
            Remove: self._moderation.remove,
            Readmit: self._moderation.readmit,
            Mute: self._moderation.mute,
            SetAccess: self._moderation.set_access,
            SetRoster: self._roster.set_roster,
            RenewSeat: self._roster.renew,
            SetGroup: self._groups.move,
            SetRobots: robots.set_robots,
            Staff: robots.staff,
            SitIn: robots.sit_in,
            Tell: chat.tell,
            Unsay: chat.unsay,
            BuyGood: trading.buy,
            SellGood: trading.sell,
            PlaceOrder: trading.order,
            AmendOrder: orders.amend,
            CancelOrder: orders.cancel,
            CancelAll: orders.cancel_all,
            Say: chat.say,
            Ready: self._readiness.ready,
            SetPhase: self._rounds.set_phase,
            Pause: self._pauses.pause,
            AddTime: self._pauses.add_time,
            Announce: self._rounds.announce,
            Reveal: self._rounds.reveal,
            SetClock: self._rounds.set_clock,
        }
        withdrawal: _Due = departures.next_withdrawal, departures.withdraw, True
        self._in_motion: tuple[_Due, ...] = (
            (self._rounds.next_phase, self._rounds.turn, False),
            (self._rounds.next_news, self._rounds.publish_scheduled, False),
            (self._settlement.next_hint, self._settlement.hint, True),
            withdrawal,
            (house.next_tick, house.tick, True),
        )
        self._paused = (withdrawal,)
        self._best = {good: self._best_levels(good) for good in state.markets}
        self._told = {good: market.mark.told for good, market in state.markets.items()}

    @classmethod
    def create(cls, definition: GameDefinition, epoch: str, created_at: int, seed: int) -> Game:
        """A game at its very beginning; ``created_at`` in ms since the Unix epoch, ``seed`` any integer."""
        origin = json.dumps([epoch, created_at, seed, to_json(definition)])
        chain = hashlib.sha256(origin.encode()).hexdigest()
        game = cls(GameState.blank(definition, epoch, created_at, seed & (1 << STATE_BITS) - 1, chain))
        game._rounds.begin()
        return cls(game.state)

    def apply_value(self, value: bytes, entry: Entry | None = None) -> Applied:
        """Apply an entry as the log holds it, and take it into the chain. Raises ValueError if it is none.

        Who has just encoded ``value`` may give the ``entry`` it was, to spare the decoding.
        """
        if entry is None:
            entry = decode_entry(value)
        self.state.chain = hashlib.sha256(self.state.chain.encode() + value).hexdigest()
        return self._apply(entry)

    def apply(self, entry: Entry) -> Applied:
        """Apply an entry; the same as ``apply_value`` on its encoding."""
        return self.apply_value(encode_entry(entry))

    def withdrawal_at(self) -> int | None:
        """When orders are withdrawn next whose player has departed, in ms since the Unix epoch; None: never."""
        return self._departures.next_withdrawal()

    def due_at(self) -> int | None:
        """When something happens by itself next, in ms since the Unix epoch; None: never."""
        return min([at for next_at, _, _ in self._due() if (at := next_at()) is not None], default=None)

    def _apply(self, entry: Entry) -> Applied:
        state = self.state
        effects, before = Effects(max(state.clock, entry.at)), state.round_ms
        if entry.slept_at is not None and state.clock <= entry.slept_at <= effects.at:
            # nobody played it meanwhile: the game's clock would have gone on
            self._advance(entry.slept_at, effects)
            self._pauses.sleep(effects)
        self._advance(effects.at, effects)
        outcomes = [self._outcome(command, effects) for command in entry.commands]
        self.free_some()
        state.entries += 1
        state.commands += len(entry.commands)
        for good in effects.books:
            best = self._best_levels(good)
            if best != self._best[good]:
                self._best[good] = best
                effects.events.append(BookChanged(good, *best))
        self._marks.follow(effects.books, effects)
        self._marks.renew(before, effects)
        for good in effects.marks:
            told = state.markets[good].mark.told
            if told is not None and told != self._told[good]:
                self._told[good] = told
                effects.events.append(MarkChanged(good, *told))
        frame = None
        if effects.events:
            state.seq += 1
            frame = Frame(state.seq, effects.at, tuple(effects.events))
        seq, now_s = state.seq, state.clock // 1000
        for outcome in outcomes:
            if not outcome.replayed and not isinstance(outcome.result, Rejected):
                outcome.result.seq = seq
        for (_, key), (player, digest, result) in effects.keys.items():
            if key in player.keys:  # a later one in the same entry may have pushed it out
                player.keys[key] = remember(now_s, digest, result)
        accounts = tuple(name for name in effects.accounts if name not in RESERVED_PLAYERS)
        whispers = tuple(effects.whispers)
        return Applied(state.seq, state.clock, frame, tuple(outcomes), accounts, whispers, effects.fills)

    def _advance(self, until: int, effects: Effects) -> None:
        """Everything that is due by ``until``, in order of its time; at one time in the order of the list."""
        state = self.state
        while True:
            first, happen = until + 1, None
            for next_at, what, bounded in self._due():
                if not (bounded and effects.spent >= DUE_AN_ENTRY) and (at := next_at()) is not None and at < first:
                    first, happen = at, what
            if happen is None:
                break
            state.clock = max(state.clock, first)
            happen(until, effects)
        state.clock = until

    def _due(self) -> tuple[_Due, ...]:
        """All that happens by itself."""
        return self._in_motion if self.state.paused_at is None else self._paused

    def _outcome(self, command: Command, effects: Effects) -> Outcome:
        """Run one command, at most once for its key: see `keys`.

        A join of a player who is there, and does not choose anything, does nothing, needs no ``since``, and its key is
        not remembered.
        """
        state, key, name = self.state, command.key, command.player
        player = state.commander(name)
        joins_again = type(command) is Join and player is not None and command.cancel_on_disconnect is None
        if command.epoch is not None and command.epoch != state.epoch and not joins_again:
            return Outcome(Rejected.of(EpochOverError("the game that this was meant for is over: this is another")))
        by_robot = isinstance(command, PlayerCommand) and command.by_robot
        if by_robot and not played_by_server(state, name):
            return Outcome(Rejected.of(NotAdmittedError(NO_SEAT)))
        digest = ""
        if key is not None and player is not None:
            digest = payload_digest(command)
            if key in player.keys:
                return self._keys.known(player, command, digest, effects)
            if not joins_again and (refusal := self._keys.refusal(player, command)) is not None:
                return Outcome(Rejected.of(refusal), keys=player.ever)
        try:
            if player is None and not isinstance(command, _WITHOUT_ACCOUNT):
                raise NotJoinedError("join the game first")
            if player is not None:
                self._departures.back(name)
                if name in state.seats and not by_robot:
                    self._robots.give_back(name, effects)
                if name not in state.dealt:
                    self._dealing.deal((name,), effects)
                if not by_robot:
                    self._readiness.check(command, player)
            result = self._handlers[type(command)](command, effects)
        except RuleError as error:
            result = Rejected.of(error)
        if player is not None and not by_robot:
            self._readiness.count(command, refused=isinstance(result, Rejected))
        if key is None or (player := player or state.commander(name)) is None:
            return Outcome(result)
        if not joins_again:
            self._keys.remember(player, command, digest, result, effects)
        return Outcome(result, keys=player.ever)

    def _join(self, command: Join, effects: Effects) -> Sent:
        state = self.state
        if command.player in RESERVED_PLAYERS:
            raise UnknownPlayerError(f"{command.player!r} is an account of the game's own")
        if command.player not in state.players:
            check_admission(state, command.player)
            self._roster.admit(command)
            self._roster.sit(command)
            if command.robot:
                self._accounts.open_robot(command.player, effects)
            else:
                self._accounts.open(command.player, command.name, command.skeleton, effects)
            self._groups.place(command)
            self._dealing.deal((command.player,), effects)
        self._departures.choose(command, effects)
        return Sent(seq=0)

    def _arrive(self, command: Arrive, effects: Effects) -> Sent:
        for player in command.players:
            self._departures.back(player)
            if not command.by_robot:
                self._robots.connected(player, effects)
        self._dealing.deal(command.players, effects)
        return Sent(seq=0)

    def _best_levels(self, good: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        book = self.state.markets[good].book
        return book.levels(BID, BEST_LEVELS), book.levels(ASK, BEST_LEVELS)
