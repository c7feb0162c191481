"""Joining, talking, keys, and what may be shown of a game."""

from __future__ import annotations

import hashlib
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from tests.support import views
from tests.support.domain import BEGIN, Table, code, events, house
from tests.unit.domain.strategies import any_of
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.codes import code_of
from tradegame.core.domain.definition import RESERVED_PLAYERS, GoodDefinition
from tradegame.core.domain.events import Outcome, Rejected, Whispered
from tradegame.core.domain.naming import NamingService
from tradegame.protocol.commands import Announce, Command, Join, Remove, SetPhase, payload_digest
from tradegame.protocol.errors import RULE_ERRORS, NotJoinedError, RateLimitedError, UnknownGoodError
from tradegame.protocol.names import skeleton
from tradegame.protocol.pushes import Joined, Said
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import AnyCommand, BuyGood, CancelOrder, PlaceOrder, Say, SellGood

# Joining


def test_joining_opens_an_account_endowed_by_the_mint() -> None:
    table = Table.of()
    applied = table.entry(Join(player="ann", name="Ann"))
    assert events(applied) == [Joined("ann", "Ann")]
    assert applied.accounts == ("ann",)
    assert (table.cash("ann"), table.goods("ann")) == ((1_000, 0), (100, 0))
    assert (table.cash("mint"), table.goods("mint")) == ((-1_000, 0), (-100, 0))


def test_joining_twice_changes_nothing() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 1, 5)
    table.buy("bob", 1)
    applied = table.entry(Join(player="ann", name="Another"))
    assert (applied.frame, applied.accounts) == (None, ())
    assert applied.outcomes == (Outcome(Sent(seq=applied.seq)),)
    assert table.cash("ann") == (1_005, 0)
    assert table.game.state.players["ann"].name == "Ann"


@pytest.mark.parametrize("name", RESERVED_PLAYERS)
def test_the_accounts_that_are_nobodys_cannot_be_joined(name: str) -> None:
    table = Table.of("ann", goods={"grain": GoodDefinition(house=house())})
    assert code(table.join(name)) == "unknown_player"
    assert audit(table.game.state) == []


def test_a_game_has_so_many_accounts_and_nobody_loses_one() -> None:
    table = Table.of("ann", "bob", max_players=2)
    assert code(table.join("eve", key="k")) == "game_full"
    assert code(table.join("eve", key="k")) == "game_full"
    assert list(table.game.state.players) == ["ann", "bob"]
    assert "eve" not in table.game.state.accounts
    assert isinstance(table.join("ann"), Sent)
    assert table.ask("ann", 1, 5).resting == 1
    assert audit(table.game.state) == []


def test_a_full_game_is_full_in_one_entry_too() -> None:
    table = Table.of(max_players=2)
    applied = table.entry(*(Join(player=f"p{number}", name="n") for number in range(4)))
    assert [isinstance(outcome.result, Sent) for outcome in applied.outcomes] == [True, True, False, False]


def test_one_may_join_in_every_phase() -> None:
    table = Table.of()
    for phase in ("closed", "lobby", "open"):
        table.phase(phase)
        assert isinstance(table.join(phase), Sent)


# Chat


def test_what_is_said_to_all_is_public_and_kept() -> None:
    table = Table.of("ann", "bob")
    table.at += 5
    applied = table.entry(Say(player="ann", text="hi"))
    assert events(applied) == [Said("ann", "hi", 1)]
    assert views.public_state(table.game.state)["messages"] == [
        {"player": "ann", "text": "hi", "at": BEGIN + 5, "number": 1}
    ]


def test_a_whisper_is_private_and_kept_nowhere() -> None:
    table = Table.of("ann", "bob")
    applied = table.entry(Say(player="ann", text="psst", to="bob"))
    assert applied.whispers == (Whispered("ann", "bob", "psst"),)
    assert (applied.frame, applied.accounts) == (None, ())
    assert len(table.game.state.messages) == 0


def test_a_whisper_to_nobody_is_an_unknown_player() -> None:
    table = Table.of("ann")
    for nobody in ("bob", "house"):
        assert code(table.say("ann", "psst", to=nobody)) == "unknown_player"


def test_one_may_talk_while_the_game_is_closed() -> None:
    table = Table.of("ann")
    table.phase("closed")
    assert isinstance(table.say("ann", "good game"), Sent)


def test_the_last_fifty_messages_are_kept() -> None:
    table = Table.of("ann")
    table.entry(*(Say(player="ann", text=str(number)) for number in range(60)))
    assert [message.text for message in table.game.state.messages] == [str(number) for number in range(10, 60)]


# Keys


def test_the_same_key_has_one_effect_and_gets_the_first_result_again() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 10)
    command = BuyGood(player="bob", good="grain", qty=2, key="k")
    first = table.entry(command)
    table.sell("bob", 1)
    table.say("ann", "later")
    again = table.entry(command)
    assert again.outcomes == (Outcome(first.outcomes[0].result, replayed=True),)
    assert (again.frame, again.accounts) == (None, ())
    assert table.goods("bob") == (102, 0)


def test_a_key_repeated_in_one_entry_has_one_effect_and_one_seq() -> None:
    table = Table.of("ann")
    applied = table.entry(*[Say(player="ann", text="hi", key="k")] * 3)
    assert applied.outcomes == tuple(Outcome(Sent(seq=applied.seq), replayed) for replayed in (False, True, True))
    assert len(events(applied)) == 1


def test_a_refusal_is_remembered_too() -> None:
    table = Table.of("ann", "bob")
    command = BuyGood(player="bob", good="grain", qty=1, key="k")
    refused = table.do(command)
    assert code(refused) == "no_liquidity"
    table.ask("ann", 5, 10)
    assert table.entry(command).outcomes == (Outcome(refused, replayed=True),)


def test_a_copy_is_told_the_same_reason_with_its_parameters() -> None:
    table = Table.of("ann")
    late = PlaceOrder(player="ann", good="grain", side="bid", qty=3, price=500, key="k", since=0)
    first = table.do(late)
    assert first == Rejected(
        "insufficient_cash", "needs 1500 coins, has 1000", why=why("needs_cash", needed=1500, free=1000)
    )
    table.game = snapshot.load(snapshot.dump(table.game))
    (outcome,) = table.entry(late).outcomes
    assert (outcome.replayed, outcome.result) == (True, first)
    assert outcome.result.error().failure().why == first.why


def test_without_a_key_the_same_command_happens_again() -> None:
    table = Table.of("ann")
    for _ in range(2):
        table.say("ann", "hi")
    assert len(table.game.state.messages) == 2


def test_a_key_of_another_payload_is_refused_and_still_stands_for_the_first() -> None:
    table = Table.of("ann")
    first = table.say("ann", "hi", key="k")
    assert code(table.say("ann", "ho", key="k")) == "key_reused"
    assert code(table.buy("ann", 1, key="k")) == "key_reused"
    assert table.entry(Say(player="ann", text="hi", key="k")).outcomes == (Outcome(first, replayed=True),)


def test_keys_are_each_players_own() -> None:
    table = Table.of("ann", "bob")
    table.say("ann", "hi", key="k")
    assert isinstance(table.say("bob", "ho", key="k"), Sent)


def test_a_join_with_a_key_is_replayed_whatever_name_comes_with_it() -> None:
    table = Table.of()
    first = table.join("ann", key="j")
    again = table.entry(Join(player="ann", name="Anna", key="j"))
    assert again.outcomes == (Outcome(first, replayed=True),)


def test_a_key_of_someone_not_joined_is_not_remembered() -> None:
    table = Table.of()
    assert code(table.say("ann", "hi", key="k")) == "not_joined"
    table.join("ann")
    assert isinstance(table.say("ann", "hi", key="k"), Sent)


def test_keys_outlive_a_round() -> None:
    table = Table.of("ann")
    table.say("ann", "hi", key="k")
    table.phase("lobby")
    assert table.entry(Say(player="ann", text="hi", key="k")).outcomes[0].replayed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Say(player="a", text="x"), Say(player="a", text="y")),
        (Say(player="a", text="x"), Say(player="a", text="x", to="None")),
        (Say(player="a", text="x\0None", to="b"), Say(player="a", text="x", to="None\0b")),
        (Say(player="a", text="x", to="b"), Say(player="a", text="x", to="c")),
        (BuyGood(player="a", good="g", qty=1), SellGood(player="a", good="g", qty=1)),
        (BuyGood(player="a", good="g", qty=1), BuyGood(player="a", good="g", qty=1, limit=1)),
        (BuyGood(player="a", good="g", qty=1, limit=12), BuyGood(player="a", good="g", qty=11, limit=2)),
        (CancelOrder(player="a", order="o1"), CancelOrder(player="a", order="o2")),
        (
            PlaceOrder(player="a", good="g", side="bid", qty=1, price=2),
            PlaceOrder(player="a", good="g", side="ask", qty=1, price=2),
        ),
    ],
)
def test_different_payloads_have_different_digests(one: Command, other: Command) -> None:
    assert payload_digest(one) != payload_digest(other)
    assert payload_digest(one) == payload_digest(one)


@given(st.sampled_from(get_args(AnyCommand)).flatmap(lambda kind: st.tuples(any_of(kind), any_of(kind))))
def test_every_field_but_the_key_and_what_goes_with_it_belongs_to_the_payload(two: tuple[Command, Command]) -> None:
    one, other = two
    for name, value in asdict(other).items():
        try:
            changed = replace(one, **{name: value})
        except ValueError:
            continue
        same = value == getattr(one, name) or name in ("player", "key", "since", "epoch")
        assert (payload_digest(changed) == payload_digest(one)) == same, name


def test_a_field_that_is_as_by_default_is_no_part_of_the_payload() -> None:
    """So that a copy from before the field was there still stands for the same."""
    said = '{"op":"buy","good":"g","qty":1}'
    command = BuyGood(player="a", good="g", qty=1, limit=None, fill_or_kill=False)
    assert payload_digest(command) == hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


# What may be shown


def test_the_public_state_is_what_the_protocol_says() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 10)
    table.bid("bob", 4, 9)
    table.buy("bob", 2)
    table.say("ann", "hi")
    table.at += 5_000
    table.entry()
    state = json.loads(json.dumps(views.public_state(table.game.state)))
    assert state == {
        "title": "",
        "about": "",
        "phase": "open",
        "round": 1,
        "ends_at": None,
        "opened_at": BEGIN,
        "rules": {
            "cash": 1_000,
            "fee_bps": 0,
            "open_orders": 50,
            "rounds": None,
            "goods": {
                "grain": {
                    "endowment": 100,
                    "house": False,
                    "private_values": False,
                    "settlement": None,
                    "mark": "bid",
                }
            },
        },
        "goods": {
            "grain": {
                "last": 10,
                "bids": [[9, 4]],
                "asks": [[10, 3]],
                "volume": 2,
                "recent": [[BEGIN, 10, 2]],
                "mark": 9,
                "mark_source": "bid",
            }
        },
        "players": {"ann": {"name": "Ann"}, "bob": {"name": "Bob"}},
        "messages": [{"player": "ann", "text": "hi", "at": BEGIN, "number": 1}],
        "news": [],
        "settled": {},
    }


def test_the_last_two_hundred_trades_of_a_good_are_shown() -> None:
    table = Table.of("ann", "bob", cash=10**6, open_orders=1_000, goods={"grain": GoodDefinition(endowment=1_000)})
    for price in range(1, 251):
        table.ask("ann", 1, price)
    for qty in (100, 100, 50):
        table.buy("bob", qty)
    recent = views.public_state(table.game.state)["goods"]["grain"]["recent"]
    assert [price for _, price, _ in recent] == list(range(51, 251))
    assert table.market().volume == 250


def test_an_account_shows_what_is_free_what_is_held_the_orders_and_the_worth() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 10)
    table.buy("bob", 2)
    table.bid("ann", 3, 9)
    table.wait(5_000)
    assert views.account(table.game.state, "ann") == {
        "cash": 993,
        "held_cash": 27,
        "goods": {"grain": 95},
        "held_goods": {"grain": 3},
        "orders": [
            {"order": "o1", "good": "grain", "side": "ask", "qty": 3, "price": 10, "filled": 2},
            {"order": "o2", "good": "grain", "side": "bid", "qty": 3, "price": 9},
        ],
        "worth": 1_020 + 98 * 9,
        "start": 1_000 + 100 * 9,
        "score": 0,
        "keys": 0,
        "positions": {
            "grain": {
                "bought": 0,
                "cost": 0,
                "sold": 2,
                "proceeds": 20,
                "fees": 0,
                "gain": 20 - 2 * 9,
                "average_sold": 1_000,
            }
        },
    }


@pytest.mark.parametrize("nobody", ["bob", *RESERVED_PLAYERS])
def test_only_a_players_account_is_shown(nobody: str) -> None:
    with pytest.raises(NotJoinedError):
        views.account(Table.of("ann").game.state, nobody)


def test_a_good_for_which_nobody_bids_is_worth_nothing_yet() -> None:
    assert views.account(Table.of("ann").game.state, "ann")["worth"] == 1_000


def test_a_book_is_shown_to_the_depth_asked_for() -> None:
    table = Table.of("ann")
    for price in (7, 9, 8):
        table.bid("ann", 1, price)
    assert views.book(table.game.state, "grain", 2) == {
        "good": "grain",
        "bids": [[9, 1], [8, 1]],
        "asks": [],
        "last": None,
        "seq": 4,
    }
    with pytest.raises(UnknownGoodError):
        views.book(table.game.state, "gold", 2)


def test_a_summary_is_a_line_of_the_list_of_games() -> None:
    assert views.summary(Table.of("ann", title="T").game.state) == {
        "game": "g",
        "title": "T",
        "phase": "open",
        "round": 1,
        "ends_at": None,
        "players": 1,
        "goods": ["grain"],
        "epoch": "epoch",
        "seq": 1,
        "code": code_of("g"),
    }


# Errors


def test_every_rules_error_is_definite_and_known_by_its_code() -> None:
    for name, error in RULE_ERRORS.items():
        assert (error.code, error.definite) == (name, True)
        assert error.status == (404 if name.startswith("unknown_") else 409)


def test_an_error_may_say_where_and_when_to_come_again() -> None:
    error = RateLimitedError("slow down", at="$.qty", retry_after_ms=50)
    assert (str(error), error.message, error.at, error.retry_after_ms) == ("slow down", "slow down", "$.qty", 50)


def test_the_hosts_commands_need_no_account() -> None:
    applied = Table.of().entry(SetPhase(phase="closed"), Announce(text="!"))
    assert [type(outcome.result) for outcome in applied.outcomes] == [Sent, Sent]


def test_numbers_that_are_taken_are_passed_once_and_not_by_each_who_is_called_so() -> None:
    """Whoever took x (2) to x (N) made each newcomer called x look N times: 200 of them held the loop for 86 ms."""
    looks: list[str] = []

    class Taken(dict[str, None]):
        def __contains__(self, look: object) -> bool:
            looks.append(str(look))
            return super().__contains__(look)

    table = Table.of(max_players=1_000)
    names = ["x", *(f"x ({number})" for number in range(2, 401))]
    table.entry(*(Join(player=f"p{name}", name=name, skeleton=skeleton(name)) for name in names))
    naming = NamingService(table.game.state)
    object.__setattr__(naming, "_taken", Taken(naming._taken))
    assert [naming.call("x", "x").name for _ in range(200)] == [f"x ({number})" for number in range(401, 601)]
    assert len(looks) < 400 + 3 * 200


def test_a_number_is_the_same_after_a_restart_whoever_was_removed_before() -> None:
    table = Table.of()
    table.entry(*(Join(player=f"p{number}", name="x") for number in range(6)))
    for removed in ("p5", "p2", "p4"):
        table.do(Remove(account=removed))
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    for each in (table, loaded):
        each.entry(*(Join(player=f"q{number}", name="x") for number in range(2)))
        assert [each.game.state.players[player].name for player in ("q0", "q1")] == ["x (5)", "x (6)"]
