"""Rounds and news: what happens by the game's clock, and what the host may do by hand."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.dealing import DealingService
from tradegame.core.domain.debrief import round_result
from tradegame.core.domain.house import HouseService
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.news import draw_news
from tradegame.core.domain.pausing import PauseService
from tradegame.core.domain.private_values import PrivateValuesService, are_secret, public_winners, redemption
from tradegame.core.domain.robots import RobotService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import CLOSED, LOBBY, OPEN, ROUNDS_KEPT, Effects, GameState, Ohlcv
from tradegame.core.domain.trading import TradingService
from tradegame.core.domain.worth import gains, leaders
from tradegame.protocol import pushes
from tradegame.protocol.bounds import PhaseName
from tradegame.protocol.commands import Announce, Reveal, SetClock, SetPhase
from tradegame.protocol.errors import NoHouseError, NotOpenError, UnknownGoodError
from tradegame.protocol.pushes import ClockChanged, Revealed, RoundChanged
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent
from tradegame.protocol.state import Headline


@frozen
class RoundService:
    """Opens and closes, lets scheduled news out."""

    state: GameState
    trading: TradingService
    house: HouseService
    marks: MarkService
    private_values: PrivateValuesService
    settlement: SettlementService
    dealing: DealingService
    pauses: PauseService
    robots: RobotService

    def begin(self) -> None:
        """The first round, at the beginning of the game."""
        effects, definition = Effects(self.state.clock), self.state.definition
        if definition.practice:
            self.state.number(0)
        self.dealing.endow_house()
        self.house.price()
        self.marks.open(effects)
        waits = definition.wait_for_host or bool(definition.groups)
        if waits or (definition.rounds is not None and definition.rounds.lobby_s):
            self._enter(LOBBY, effects)
            if waits:
                self.state.ends_at = None
        else:
            self._enter(OPEN, effects, by_clock=definition.rounds is not None)

    def set_phase(self, command: SetPhase, effects: Effects) -> Sent:
        """What the host says. From ``closed``, or back to the lobby, it is a new round."""
        if command.phase != self.state.phase or (command.last and not self.state.over):
            self.pauses.go_on(effects)
            self.state.ended = command.last
            if command.phase == CLOSED:
                self._close(effects)
            elif command.phase == OPEN and self.state.phase == LOBBY:
                self._enter(OPEN, effects)
            else:
                self._new_round(command.phase, effects)
        return Sent(seq=0)

    def reveal(self, command: Reveal, effects: Effects) -> Sent:
        """Everybody may read the results of closed rounds, until the next one opens."""
        if are_secret(self.state):
            self.state.revealed = True
            effects.events.append(Revealed(self.state.round, tuple(self.state.winners)))
        return Sent(seq=0)

    def announce(self, command: Announce, effects: Effects) -> Sent:
        if command.good is not None and command.good not in self.state.markets:
            raise UnknownGoodError(f"no good {command.good!r} in this game")
        if command.good is not None and command.anchor_bps:
            self._check_shift(command.good)
        self._publish(command.text, command.good, command.anchor_bps, effects)
        return Sent(seq=0)

    def _check_shift(self, good: str) -> None:
        """News that would move nothing is refused: who announces it counts on a price that moves."""
        if self.state.definition.goods[good].house is None:
            raise NoHouseError(why("no_house_to_shift", good=good))
        if self.state.phase != OPEN:
            raise NotOpenError(why("shift_while_open", phase=self.state.phase))
        if self.state.paused_at is not None:
            raise NotOpenError(why("shift_while_paused"))

    def set_clock(self, command: SetClock, effects: Effects) -> Sent:
        """Between rounds only; during one, and back, nothing happens. The entry itself is still of the time before."""
        state = self.state
        if state.phase != OPEN and command.time > state.clock:
            later = command.time - state.clock
            if state.ends_at is not None:
                state.ends_at += later
            state.clock = command.time
            effects.events.append(self._changed())
            if state.paused_at is not None:
                state.paused_at += later
                effects.events.append(ClockChanged(state.ends_at, state.paused_at))
        return Sent(seq=0)

    def next_phase(self) -> int | None:
        """When the phase changes by itself, in ms; None: it does not."""
        return self.state.ends_at

    def turn(self, until: int, effects: Effects) -> None:
        """The phase's time is over."""
        state, rounds = self.state, self.state.definition.rounds
        assert rounds is not None
        if state.phase == LOBBY:
            self._enter(OPEN, effects, by_clock=True)
        elif state.phase == OPEN:
            self._close(effects)
            if not rounds.closed_s and state.more:
                self._next_round(until, effects)
        else:
            self._next_round(until, effects)

    def next_news(self) -> int | None:
        """When the next scheduled news is due, in ms; None: none is left in this round."""
        state = self.state
        return state.news_coming[0][0] if state.phase == OPEN and state.news_coming else None

    def publish_scheduled(self, until: int, effects: Effects) -> None:
        """The next scheduled news is due."""
        _, number = self.state.news_coming.pop(0)
        news = self.state.definition.news[number]
        self._publish(news.text, news.good, news.anchor_bps, effects)

    def _publish(self, text: str, good: str | None, bps: int, effects: Effects) -> None:
        if good is not None and bps:
            self.house.shift(good, bps, effects)
        self.trading.recording.announced(text, good, bps, effects.at)
        effects.events.append(pushes.News(text, good))
        self.state.news.append(Headline(text, good, effects.at))

    def _next_round(self, until: int, effects: Effects) -> None:
        """Rounds that would have passed unseen from beginning to end are counted, not played."""
        state, rounds = self.state, self.state.definition.rounds
        assert rounds is not None
        cycle = (rounds.lobby_s + rounds.open_s + rounds.closed_s) * 1000
        skipped = (until - state.clock) // cycle
        if rounds.repeat:
            skipped = min(skipped, rounds.repeat - state.round - state.counts)
        if skipped > 0:
            state.clock += skipped * cycle
        self._new_round(LOBBY if rounds.lobby_s else OPEN, effects, max(0, skipped), by_clock=True)

    def _new_round(self, phase: PhaseName, effects: Effects, skipped: int = 0, *, by_clock: bool = False) -> None:
        """Every account is emptied. The tape goes on: prices, volume and recent trades are the game's.

        What was opened by hand, and nobody traded in, costs no number: the result is dropped, and this round has it.
        """
        state = self.state
        self._end(effects)  # where the host ends it without a closed phase
        if not state.counts and state.results and state.results[-1]["round"] == state.round:
            state.results.pop()
        state.settled.clear()
        state.winners.clear()
        self.dealing.take_everything()
        state.number(state.round + state.counts + skipped)
        state.counts = False
        self.robots.new_round(effects)
        self.dealing.endow_house()
        effects.accounts.update(dict.fromkeys(state.players))
        self._enter(phase, effects, by_clock=by_clock)

    def _enter(self, phase: PhaseName, effects: Effects, *, by_clock: bool = False) -> None:
        state, rounds = self.state, self.state.definition.rounds
        lasts = None
        if rounds is not None:
            lasts = {LOBBY: rounds.lobby_s, OPEN: rounds.open_s, CLOSED: rounds.closed_s}[phase]
            if phase == CLOSED and not state.more:
                lasts = None
        state.phase = phase
        state.ends_at = state.clock + lasts * 1000 if lasts else None
        if phase == OPEN:
            state.counts = by_clock
            for of_this_round in (state.dealt, state.bought, state.sold):
                of_this_round.clear()
            self.private_values.open(effects)
            for account in state.accounts.values():
                account.blotter = None
            state.past_orders = state.orders
            state.opened_at, state.idle_ms, state.revealed = state.clock, 0, False
            state.chance, state.news_coming = draw_news(state.definition, state.chance, state.clock)
            for market in state.markets.values():
                market.ohlcv = Ohlcv()
            self.settlement.open(effects)
            self.house.open()
            self.marks.open(effects)
        effects.events.append(self._changed())
        if phase == OPEN:
            for text, good in state.terms.texts:
                self._publish(text, good, 0, effects)

    def _changed(self) -> RoundChanged:
        state = self.state
        opened_at = state.opened_at if state.phase == OPEN else None
        settled = dict(state.settled) if state.phase == CLOSED else {}
        treatment, winners = state.terms.told, public_winners(state)
        return RoundChanged(state.phase, state.round, state.ends_at, opened_at, settled, treatment, state.over, winners)

    def _close(self, effects: Effects) -> None:
        if self.state.phase == LOBBY:
            self.state.dealt.clear()
        self._end(effects)
        if self.state.last:
            self.state.winners = leaders(self.state)
        self._enter(CLOSED, effects)

    def _end(self, effects: Effects) -> None:
        """No order stays. If a round is open, it is over: its final marks are found, while there are bids."""
        state = self.state
        if state.phase == OPEN:
            self.marks.close(effects)
        self.trading.withdraw_everything(effects)
        if state.phase == OPEN:
            state.counts = state.counts or any(market.ohlcv.trades for market in state.markets.values())
            self._settle(effects)

    def _settle(self, effects: Effects) -> None:
        """The round's end, with no order open: what is held is turned into what it is worth, and the result is kept."""
        state = self.state
        surplus = self._surplus()
        self.private_values.redeem(effects)
        self.settlement.pay(effects)
        ended = gains(state)
        for name, before, after in ended if not state.practice else ():
            state.players[name].score += after - before
        effects.accounts.update(dict.fromkeys(state.players))
        state.results.append(round_result(state, surplus, ended))
        if state.counts:
            while len(state.results) > ROUNDS_KEPT:
                state.results.popleft()
            self.trading.recording.closed(state.results[-1], ended)

    def _surplus(self) -> int | None:
        """What trade has made of the goods with private values, in coins: by what each unit is worth to who has it."""
        private = self.state.definition.private_values
        if private is None:
            return None
        made = sum(self.state.bought) - sum(self.state.sold)
        for name in self.state.dealt:
            player = self.state.players[name]
            given, now = self.private_values.endowment(player), self.state.accounts[name].goods[private.good]
            if now != given:
                made += redemption(player.values, now) - redemption(player.values, given)
        return made
