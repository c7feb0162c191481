"""What the host does about people: remove, mute, lock, the chat, a roster of names."""

from __future__ import annotations

import pytest

from tests.support import views
from tests.support.domain import Table, code, events
from tradegame.core.domain import host_views, snapshot
from tradegame.core.domain.audit import Audit, audit
from tradegame.core.domain.definition import GoodDefinition, PrivateValuesDefinition, SettlementDefinition
from tradegame.core.domain.events import Whispered
from tradegame.core.domain.moderation import check_admission, is_admitted
from tradegame.protocol.commands import Join, Mute, Readmit, Remove, SetAccess, SetRoster, Tell, Unsay
from tradegame.protocol.errors import GameFullError, NotAdmittedError
from tradegame.protocol.http import RemovedRow, RosterRow
from tradegame.protocol.pushes import AccessChanged, Removed, Unsaid
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import Say

# Remove


def test_who_is_removed_is_out_with_all_orders_and_nothing_is_lost() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 3, 10)
    table.bid("ann", 2, 4)
    table.bid("bob", 1, 5)
    table.ask("bob", 1, 9)
    applied = table.entry(Remove(account="ann"))
    assert events(applied) == [Removed("ann")]
    assert applied.accounts == ("ann",)
    assert table.book() == ([(5, 1)], [(9, 1)])
    state = table.game.state
    assert list(state.players) == list(state.dealt) == ["bob"]
    assert (table.cash("mint"), table.goods("mint")) == ((-1_000, 0), (-100, 0))
    assert [row["player"] for row in views.standings(state, 10)] == ["bob"]
    assert "ann" not in views.public_state(state)["players"]
    assert audit(state) == []


def test_who_is_removed_is_not_dealt_to_in_later_rounds() -> None:
    table = Table.of("ann", "bob")
    table.do(Remove(account="ann"))
    for _ in range(2):
        table.phase("closed")
        table.phase("open")
        table.arrive("ann", "bob")
        assert list(table.game.state.dealt) == ["bob"]
    assert audit(table.game.state) == []


def test_who_is_removed_has_no_account_again_and_no_command() -> None:
    table = Table.of("ann", "bob")
    table.say("ann", "hi", key="k")
    table.do(Remove(account="ann"))
    assert code(table.join("ann", key="j")) == "not_admitted"
    assert code(table.say("ann", "hi", key="k")) == "not_joined"
    assert code(table.say("bob", "psst", to="ann")) == "unknown_player"
    assert code(table.do(Remove(account="ann"))) == "unknown_player"
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    assert code(loaded.join("ann")) == "not_admitted"


def test_who_is_readmitted_may_join_anew_with_nothing_of_before() -> None:
    table = Table.of("ann", "bob")
    table.buy("ann", 1)
    table.say("ann", "hi", key="k")
    table.do(Remove(account="ann"))
    assert host_views.roster(table.game.state).removed == (RemovedRow("ann", "Ann"),)
    table.game = snapshot.load(snapshot.dump(table.game))
    applied = table.entry(Readmit(account="ann"))
    assert (applied.frame, applied.accounts) == (None, ())
    assert host_views.roster(table.game.state).removed == ()
    assert code(table.say("ann", "hi", key="k")) == "not_joined"
    assert isinstance(table.join("ann"), Sent)
    assert (table.cash("ann"), table.goods("ann")) == ((1_000, 0), (100, 0))
    late = Say(player="ann", text="hi", key="k", since=0)
    assert code(table.do(late)) == "stale"
    assert audit(table.game.state) == []


@pytest.mark.parametrize("nobody", ["bob", "nobody", "house"])
def test_only_who_was_removed_can_be_readmitted(nobody: str) -> None:
    table = Table.of("ann", "bob")
    assert code(table.do(Readmit(account=nobody))) == "unknown_player"


@pytest.mark.parametrize("nobody", ["nobody", "house", "mint", "fees"])
def test_nobody_else_can_be_removed(nobody: str) -> None:
    table = Table.of("ann")
    assert code(table.do(Remove(account=nobody))) == "unknown_player"
    assert audit(table.game.state) == []


def test_a_command_with_a_key_and_its_players_removal_may_stand_in_one_entry() -> None:
    table = Table.of("ann")
    applied = table.entry(Say(player="ann", text="hi", key="k"), Remove(account="ann"), Say(player="ann", text="ho"))
    assert [isinstance(outcome.result, Sent) for outcome in applied.outcomes] == [True, True, False]


def test_a_removal_makes_room_and_frees_the_name() -> None:
    table = Table.of(max_players=2)
    for player in ("a", "b"):
        table.do(Join(player=player, name="Anna", skeleton="anna"))
    assert code(table.join("c")) == "game_full"
    table.do(Remove(account="a"))
    table.do(Join(player="c", name="Anna", skeleton="anna"))
    assert {player: fields.name for player, fields in table.game.state.players.items()} == {
        "b": "Anna (2)",
        "c": "Anna",
    }
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    for each in (table, loaded):
        each.do(Remove(account="b"))
        each.do(Join(player="d", name="Anna", skeleton="anna"))
        assert each.game.state.players["d"].name == "Anna (2)"


def test_what_a_removed_seller_sold_still_counts_and_what_was_not_does_not() -> None:
    private = PrivateValuesDefinition(good="wheat", values=((90, 70),), costs=((20, 30),))
    table = Table.of("b", "s", "c", goods={"wheat": GoodDefinition()}, private_values=private)
    table.ask("s", 1, 50, good="wheat")
    table.buy("b", 1, good="wheat")
    table.do(Remove(account="s"))
    table.phase("closed")
    (result,) = views.debrief(table.game.state, host=True)["rounds"]
    assert result["goods"]["wheat"]["supply"] == [20]
    assert result["goods"]["wheat"]["demand"] == [90, 90, 70, 70]
    assert (result["surplus"], result["max_surplus"]) == (70, 70)
    assert audit(table.game.state) == []
    table.phase("open")
    assert (table.game.state.bought, table.game.state.sold) == ([], [])


def test_what_a_removed_buyer_bought_still_counts() -> None:
    private = PrivateValuesDefinition(good="wheat", values=((90, 70),), costs=((20, 30),))
    table = Table.of("b", "s", goods={"wheat": GoodDefinition()}, private_values=private)
    table.ask("s", 1, 50, good="wheat")
    table.buy("b", 1, good="wheat")
    table.do(Remove(account="b"))
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    for each in (table, loaded):
        each.phase("closed")
        (result,) = views.debrief(each.game.state, host=True)["rounds"]
        assert (result["goods"]["wheat"]["demand"], result["goods"]["wheat"]["supply"]) == ([90], [20, 30])
        assert (result["surplus"], result["efficiency_bps"]) == (70, 10_000)
        assert audit(each.game.state) == []


def test_out_of_a_round_nothing_of_a_removed_player_counts() -> None:
    private = PrivateValuesDefinition(good="wheat", values=((90, 70),), costs=((20, 30),))
    table = Table.of("b", "s", "c", goods={"wheat": GoodDefinition()}, private_values=private)
    table.phase("closed")
    table.do(Remove(account="s"))
    table.phase("lobby")
    table.do(Remove(account="b"))
    assert (table.game.state.bought, table.game.state.sold) == ([], [])
    assert audit(table.game.state) == []


def test_a_side_that_lost_its_players_gets_the_next_one() -> None:
    private = PrivateValuesDefinition(good="wheat")
    table = Table.of("b", "s", "c", goods={"wheat": GoodDefinition()}, private_values=private)
    table.do(Remove(account="b"))
    table.do(Remove(account="c"))
    table.join("d")
    assert table.game.state.players["d"].role == "buyer"


def test_every_other_player_is_told_each_hint_once_when_one_is_removed_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tradegame.core.domain.settlement.HINTS_AT_ONCE", 2)
    monkeypatch.setattr("tradegame.core.domain.game.DUE_AN_ENTRY", 1)
    oil = GoodDefinition(endowment=1, settlement=SettlementDefinition(values=(1, 2, 3, 4), hints_at_s=(10,)))
    players = ("a", "b", "c", "d", "e")
    for removed in players:
        table = Table.of(*players, goods={"oil": oil})
        table.at += 10_000
        table.entry(Remove(account=removed))
        while table.game.due_at() is not None:
            table.entry()
        told = {player: len(fields.hints) for player, fields in table.game.state.players.items()}
        assert told == {player: 1 for player in players if player != removed}


def test_an_audit_that_is_under_way_takes_a_removal_for_what_it_is() -> None:
    table = Table.of(*(f"p{n}" for n in range(2_000)), goods={f"g{n}": GoodDefinition(endowment=1) for n in range(10)})
    for first in (True, False):
        whole = Audit(table.game.state)
        for step, _ in enumerate(whole.steps()):
            if step == 3:
                for player in ("p0", "p1999", "p1000") if first else ("p1", "p1998"):
                    whole.saw(table.entry(Remove(account=player)).accounts)
        assert list(whole.found) == []


def test_an_audit_takes_a_removal_between_any_two_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradegame.core.domain.audit.STEP", 1)
    for when in range(12):
        table = Table.of("ann", "bob", "cid")
        whole = Audit(table.game.state)
        for step, _ in enumerate(whole.steps()):
            if step == when:
                whole.saw(table.entry(Remove(account="cid")).accounts)
        assert list(whole.found) == []


def test_who_takes_no_part_can_be_removed() -> None:
    table = Table.of("ann")
    table.phase("closed")
    table.entry(Join(player="bob", name="Bob"))
    assert events(table.entry(Remove(account="bob"))) == [Removed("bob")]
    assert audit(table.game.state) == []


def test_the_host_sees_who_may_join_and_who_has() -> None:
    table = Table.of("ann")
    table.entry(SetRoster(names=(("Ann", "ann"), ("Bob", "bob"))), SetAccess(locked=True), Mute(account="ann"))
    state = table.game.state
    shown = host_views.roster(state)
    assert (shown.locked, shown.chat, shown.names) == (True, True, ("Ann", "Bob"))
    assert host_views.roster_rows(state, ["ann", "gone"], {}) == [
        RosterRow("ann", state.players["ann"].name, True, True)
    ]


# Lock, and a roster


def test_a_locked_game_lets_nobody_new_in_and_keeps_who_is_there() -> None:
    table = Table.of("ann")
    assert events(table.entry(SetAccess(locked=True))) == [AccessChanged(locked=True, chat=True)]
    assert code(table.join("eve")) == "not_admitted"
    assert isinstance(table.join("ann"), Sent)
    with pytest.raises(NotAdmittedError):
        check_admission(table.game.state, "eve")
    assert views.public_state(table.game.state)["locked"] is True
    assert table.entry(SetAccess(locked=True)).frame is None
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    assert code(loaded.join("eve")) == "not_admitted"
    table.do(SetAccess(locked=False))
    assert "locked" not in views.public_state(table.game.state)
    assert isinstance(table.join("eve"), Sent)


def test_a_full_game_says_so() -> None:
    table = Table.of("ann", max_players=1)
    with pytest.raises(GameFullError):
        check_admission(table.game.state, "eve")
    assert not is_admitted(table.game.state, "eve")
    assert is_admitted(Table.of().game.state, "eve")


def test_only_names_on_the_roster_may_join_each_as_often_as_it_is_there() -> None:
    table = Table.of("early")
    table.do(SetRoster(names=(("Anna", "anna"), ("Ben", "ben"), ("Anna", "anna"))))

    def join(player: str, name: str) -> object:
        return table.do(Join(player=player, name=name, skeleton=name.lower()))

    assert isinstance(join("p1", "Anna"), Sent)
    assert isinstance(join("p2", "ANNA"), Sent)
    assert code(join("p3", "Anna")) == "not_admitted"  # type: ignore[arg-type]
    assert code(join("p4", "Prof. Miller")) == "not_admitted"  # type: ignore[arg-type]
    table.do(Remove(account="p1"))  # who comes with another device
    assert isinstance(join("p5", "Anna"), Sent)
    assert list(table.game.state.players) == ["early", "p2", "p5"]
    shown = views.roster(table.game.state)
    assert shown["names"] == ["Anna", "Anna", "Ben"]
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    assert loaded.game.state.roster == table.game.state.roster
    table.do(SetRoster(names=()))
    assert isinstance(join("p6", "Prof. Miller"), Sent)


# The chat


def test_who_is_muted_says_nothing_to_anybody_and_trades_on() -> None:
    table = Table.of("ann", "bob")
    assert table.entry(Mute(account="ann")).accounts == ("ann",)
    assert views.account(table.game.state, "ann")["muted"] is True
    assert code(table.say("ann", "hi")) == code(table.say("ann", "hi", to="bob")) == "muted"
    assert isinstance(table.say("bob", "hi"), Sent)
    assert table.ask("ann", 1, 5).resting == 1
    assert table.entry(Mute(account="ann")).accounts == ()
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    assert code(loaded.say("ann", "hi")) == "muted"
    table.do(Mute(account="ann", muted=False))
    assert isinstance(table.say("ann", "hi"), Sent)
    assert "muted" not in views.account(table.game.state, "ann")
    assert code(table.do(Mute(account="nobody"))) == "unknown_player"


def test_while_the_chat_is_off_nobody_speaks() -> None:
    table = Table.of("ann", "bob")
    assert events(table.entry(SetAccess(chat=False))) == [AccessChanged(locked=False, chat=False)]
    assert code(table.say("ann", "hi")) == code(table.say("ann", "hi", to="bob")) == "muted"
    assert views.public_state(table.game.state)["chat"] is False
    table.do(SetAccess(locked=True))
    assert code(table.say("ann", "hi")) == "muted"
    table.do(SetAccess(chat=True))
    assert isinstance(table.say("ann", "hi"), Sent)


def test_the_host_lets_each_player_read_their_own_report_and_the_other_way() -> None:
    table = Table.of("ann")
    assert "reports" not in views.public_state(table.game.state)
    changed = AccessChanged(locked=False, chat=True, reports=True)
    assert events(table.entry(SetAccess(reports=True))) == [changed]
    assert table.entry(SetAccess(reports=True)).frame is None
    assert views.public_state(table.game.state)["reports"] is True
    assert snapshot.load(snapshot.dump(table.game)).state.reports is True
    assert events(table.entry(SetAccess(locked=True)))[0].reports is True
    assert events(table.entry(SetAccess(reports=False))) == [AccessChanged(locked=True, chat=True)]


def test_a_message_that_is_kept_can_be_deleted() -> None:
    table = Table.of("ann")
    for text in ("one", "two", "three"):
        table.say("ann", text)
    assert events(table.entry(Unsay(message=2))) == [Unsaid(2)]
    assert [message.text for message in table.game.state.messages] == ["one", "three"]
    assert code(table.do(Unsay(message=2))) == "unknown_message"
    assert code(table.do(Unsay(message=99))) == "unknown_message"
    table.say("ann", "four")
    assert [message.number for message in table.game.state.messages] == [1, 3, 4]
    assert table.game.state.messages.maxlen == 50


def test_the_host_says_something_to_one_player_though_the_chat_is_off() -> None:
    table = Table.of("ann", "bob")
    table.do(SetAccess(chat=False))
    applied = table.entry(Tell(account="ann", text="look at the book"))
    assert applied.whispers == (Whispered("host", "ann", "look at the book"),)
    assert code(table.do(Tell(account="eve", text="hm"))) == "unknown_player"
