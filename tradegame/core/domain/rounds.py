"""Rounds and news: what happens by the game's clock, and what the host may do by hand."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from tradegame.core.domain.account import HOUSE, MINT
from tradegame.core.domain.debrief import round_result
from tradegame.core.domain.house import HouseService
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.news import draw_news
from tradegame.core.domain.private_values import PrivateValuesService, are_secret, redemption
from tradegame.core.domain.robots import RobotService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import CLOSED, LOBBY, OPEN, Effects, GameState, Ohlcv
from tradegame.core.domain.trading import TradingService
from tradegame.core.domain.worth import gains
from tradegame.protocol import pushes
from tradegame.protocol.bounds import PhaseName
from tradegame.protocol.commands import AddTime, Announce, Pause, Reveal, SetClock, SetPhase
from tradegame.protocol.errors import NoHouseError, NotOpenError, UnknownGoodError
from tradegame.protocol.pushes import ClockChanged, Revealed, RoundChanged
from tradegame.protocol.replies import Sent
from tradegame.protocol.state import Headline


@frozen
class RoundService:
    """Opens and closes, endows accounts, lets scheduled news out."""

    state: GameState
    trading: TradingService
    house: HouseService
    marks: MarkService
    private_values: PrivateValuesService
    settlement: SettlementService
    robots: RobotService

    def begin(self) -> None:
        """The first round, at the beginning of the game."""
        effects = Effects(self.state.clock)
        self._endow_house()
        self.house.price()
        self.marks.open(effects)
        definition = self.state.definition
        if definition.wait_for_host or (definition.rounds is not None and definition.rounds.lobby_s):
            self._enter(LOBBY, effects)
            if definition.wait_for_host:
                self.state.ends_at = None
        else:
            self._enter(OPEN, effects)

    def set_phase(self, command: SetPhase, effects: Effects) -> Sent:
        """What the host says. From ``closed``, or back to the lobby, it is a new round."""
        if command.phase != self.state.phase:
            self._go_on(effects)
            if command.phase == CLOSED:
                self._close(effects)
            elif command.phase == OPEN and self.state.phase == LOBBY:
                self._enter(OPEN, effects)
            else:
                self._new_round(command.phase, effects)
        return Sent(seq=0)

    def pause(self, command: Pause, effects: Effects) -> Sent:
        """The clock stops, or goes on: all that is still to come in the phase comes as much later."""
        state = self.state
        if not command.paused:
            self._go_on(effects)
        elif state.paused_at is None:
            if state.phase != OPEN and state.ends_at is None:
                raise NotOpenError(f"no clock runs in the {state.phase} phase, and nobody trades")
            state.paused_at = state.clock
            effects.events.append(ClockChanged(state.ends_at, state.paused_at))
        return Sent(seq=0)

    def _go_on(self, effects: Effects) -> None:
        state = self.state
        if state.paused_at is None:
            return
        missed, state.paused_at = state.clock - state.paused_at, None
        if state.ends_at is not None:
            state.ends_at += missed
        if state.phase == OPEN:
            state.idle_ms += missed
            state.news_coming = [(at + missed, number) for at, number in state.news_coming]
            for market in state.markets.values():
                if market.house is not None:
                    market.house.next_tick += missed
        effects.events.append(ClockChanged(state.ends_at))

    def add_time(self, command: AddTime, effects: Effects) -> Sent:
        state = self.state
        if state.ends_at is None:
            raise NotOpenError(f"the {state.phase} phase has no end that could come later")
        state.ends_at += command.add_s * 1000
        effects.events.append(ClockChanged(state.ends_at, state.paused_at))
        return Sent(seq=0)

    def reveal(self, command: Reveal, effects: Effects) -> Sent:
        """Everybody may read the results of closed rounds, until the next one opens."""
        if are_secret(self.state):
            self.state.revealed = True
            effects.events.append(Revealed(self.state.round))
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
            raise NoHouseError(f"{good} has no house whose price could move: leave anchor_bps out")
        if self.state.phase != OPEN:
            phase = self.state.phase
            raise NotOpenError(f"the game is in its {phase} phase, and a round opens at its own prices: open it first")
        if self.state.paused_at is not None:
            raise NotOpenError("the game is paused: let it go on first, or leave anchor_bps out")

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
            self._enter(OPEN, effects)
        elif state.phase == OPEN:
            self._close(effects)
            if not rounds.closed_s and self._more():
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

    def deal(self, players: Iterable[str], effects: Effects) -> None:
        """Let these players take part in the open round, who have an account and were not dealt to yet."""
        state = self.state
        if state.phase != OPEN:
            return
        fresh = [name for name in dict.fromkeys(players) if name in state.players and name not in state.dealt]
        for name in fresh:
            state.dealt[name] = None
            self.private_values.deal(state.players[name])
        self._endow(fresh)
        for name in fresh:
            self.trading.recording.dealt(name)
            self.settlement.catch_up(name, effects)
            effects.accounts[name] = None

    def _endow(self, players: Iterable[str]) -> None:
        """Give players what the definition gives everyone, out of the mint."""
        state, definition, private = self.state, self.state.definition, self.state.definition.private_values
        mint, count, units = state.accounts[MINT], 0, 0
        given = [(good, fields.endowment) for good, fields in definition.goods.items() if fields.endowment]
        for count, name in enumerate(players, 1):  # noqa: B007 - counted for what the mint gives
            account = state.accounts[name]
            account.cash += definition.cash
            for good, qty in given:
                account.goods[good] += qty
            if private is not None:
                qty = self.private_values.endowment(state.players[name])
                account.goods[private.good] += qty
                units += qty
        mint.cash -= count * definition.cash
        for good, qty in given:
            mint.goods[good] -= count * qty
        if private is not None:
            mint.goods[private.good] -= units

    def _publish(self, text: str, good: str | None, bps: int, effects: Effects) -> None:
        if good is not None and bps:
            self.house.shift(good, bps, effects)
        self.trading.recording.announced(text, good, bps, effects.at)
        effects.events.append(pushes.News(text, good))
        self.state.news.append(Headline(text, good, effects.at))

    def _more(self) -> bool:
        rounds = self.state.definition.rounds
        return rounds is not None and (rounds.repeat == 0 or self.state.round < rounds.repeat)

    def _next_round(self, until: int, effects: Effects) -> None:
        """Rounds that would have passed unseen from beginning to end are counted, not played."""
        state, rounds = self.state, self.state.definition.rounds
        assert rounds is not None
        cycle = (rounds.lobby_s + rounds.open_s + rounds.closed_s) * 1000
        skipped = (until - state.clock) // cycle
        if rounds.repeat:
            skipped = min(skipped, rounds.repeat - state.round - 1)
        if skipped > 0:
            state.round += skipped
            state.clock += skipped * cycle
        self._new_round(LOBBY if rounds.lobby_s else OPEN, effects)

    def _new_round(self, phase: PhaseName, effects: Effects) -> None:
        """Every account is emptied. The tape goes on: prices, volume and recent trades are the game's."""
        self._end(effects)  # where the host ends it without a closed phase
        self.state.settled.clear()
        self._take_everything()
        self.state.round += 1
        self.private_values.new_round()
        self.robots.new_round(effects)
        self._endow_house()
        effects.accounts.update(dict.fromkeys(self.state.players))
        self._enter(phase, effects)

    def _take_everything(self) -> None:
        """What is in the world, and no order holds any of it, goes to the mint."""
        mint = self.state.accounts[MINT]
        for name, account in self.state.accounts.items():
            if name != MINT:
                mint.cash += account.cash
                account.cash = 0
                for good, qty in account.goods.items():
                    if qty:
                        mint.goods[good] += qty
                        account.goods[good] = 0

    def _endow_house(self) -> None:
        """Fund the house, so that what it owns is there before the first round opens."""
        goods = self.state.definition.goods
        houses = {good: fields.house for good, fields in goods.items() if fields.house is not None}
        account, mint = self.state.accounts[HOUSE], self.state.accounts[MINT]
        for good, house in houses.items():
            account.cash += house.cash
            mint.cash -= house.cash
            account.goods[good] += house.stock
            mint.goods[good] -= house.stock

    def _enter(self, phase: PhaseName, effects: Effects) -> None:
        state, rounds = self.state, self.state.definition.rounds
        lasts = None
        if rounds is not None:
            lasts = {LOBBY: rounds.lobby_s, OPEN: rounds.open_s, CLOSED: rounds.closed_s}[phase]
            if phase == CLOSED and not self._more():
                lasts = None
        state.phase = phase
        state.ends_at = state.clock + lasts * 1000 if lasts else None
        if phase == OPEN:
            for of_this_round in (state.dealt, state.bought, state.sold):
                of_this_round.clear()
            self.private_values.open()
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

    def _changed(self) -> RoundChanged:
        state = self.state
        opened_at = state.opened_at if state.phase == OPEN else None
        settled = dict(state.settled) if state.phase == CLOSED else {}
        return RoundChanged(state.phase, state.round, state.ends_at, opened_at, settled)

    def _close(self, effects: Effects) -> None:
        if self.state.phase != OPEN:
            self.state.dealt.clear()
        self._end(effects)
        self._enter(CLOSED, effects)

    def _end(self, effects: Effects) -> None:
        """No order stays. If a round is open, it is over: its final marks are found, while there are bids."""
        if self.state.phase == OPEN:
            self.marks.close(effects)
        self.trading.withdraw_everything(effects)
        if self.state.phase == OPEN:
            self._settle(effects)

    def _settle(self, effects: Effects) -> None:
        """The round's end, with no order open: what is held is turned into what it is worth, and the result is kept."""
        state = self.state
        surplus = self._surplus()
        self.private_values.redeem(effects)
        self.settlement.pay(effects)
        ended = gains(state)
        for name, before, after in ended:
            state.players[name].score += after - before
        effects.accounts.update(dict.fromkeys(state.players))
        state.results.append(round_result(state, surplus, ended))
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
