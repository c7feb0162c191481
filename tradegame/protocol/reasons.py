"""Why something is refused, or will not do what it seems to: a name with parameters, so that any language can say it.

The English words are here; the pages have theirs in languages/, under ``why.NAME``.
"""

from __future__ import annotations

from msgspec import Struct

from tradegame.protocol.labels import LABEL_EXPECTED, PATTERN_EXPECTED
from tradegame.protocol.names import NAME_EXPECTED

Param = int | str
MAX_SAFE_INTEGER = 2**53 - 1

REASONS = {
    # Trading
    "needs_cash": "needs {needed} coins, has {free}",
    "needs_cash_at_least": "needs at least {needed} coins, has {free}",
    "needs_cash_for_charges": "needs {needed} coins for fee and tax, has {free}",
    "needs_goods": "needs {needed} {good}, has {free}",
    "no_free_goods": "has no free {good}",
    "no_ask": "no ask for {good}",
    "no_ask_within": "no ask for {good} within {limit}",
    "no_bid": "no bid for {good}",
    "no_bid_within": "no bid for {good} within {limit}",
    "would_trade_at": "would trade at {price} at once",
    "below_floor": "the least price of {good} is {floor} in this round",
    "above_ceiling": "the greatest price of {good} is {ceiling} in this round",
    "orders_open": "{open} orders are open, at most {cap} may be",
    "only_some_filled": "{filled} of {qty} units could be filled",
    "in_lobby": "the game is in its lobby phase",
    "in_closed": "the game is in its closed phase",
    "paused": "the game is paused",
    # Coming in, and speaking
    "players_full": "the game has {players} players, and takes no more",
    "removed_by_host": "the host removed you from this game",
    "game_locked": "the game is locked: the host lets nobody new in",
    "name_not_listed": "the name is not on the game's roster, or somebody has it",
    "enter_by_number": "this game is entered by a number",
    "enter_by_link": "this game is entered by a personal link",
    "enter_by_entrance": "this game is entered by {entrance}: join that, and then the group that it says",
    "entrance_gone": "this game is entered by {entrance}, which is gone",
    "chat_off": "the host has switched the chat off",
    "muted_by_host": "the host has muted you",
    "much_said": "too much is said in this game: say less, or later",
    "much_whispered": "too much is whispered to this player: write less, or later",
    # What the host asks
    "nothing_to_pause": "no clock runs in the {phase} phase, and nobody trades",
    "no_end_to_move": "the {phase} phase has no end that could come later",
    "no_house_to_shift": "{good} has no house whose price could move: leave anchor_bps out",
    "shift_while_open": "the game is in its {phase} phase, and a round opens at its own prices: open it first",
    "shift_while_paused": "the game is paused: let it go on first, or leave anchor_bps out",
    "is_a_group": "this is one of the groups of {entrance}: say it of that",
    "need_group_of": "expected one of {groups}",
    "no_groups": "this game has no groups",
    # The server
    "internal_error": "internal error (reference {reference})",
    "store_full": "the store is full",
    # Of a definition that is valid, and yet doubtful
    "never_comes": "never comes: the round closes after {open_s} s",
    "may_not_come": "may not come: the round closes after {open_s} s",
    "moves_nothing": "moves nothing: {good} has no house",
    "never_bids_around": "never bids: around {anchor} its best bid is {bid}",
    "never_bids": "never bids: its best bid is {bid}",
    "offers_nothing": "offers nothing until it has bought",
    "buys_nothing": "buys nothing: the cheapest unit costs {price}",
    "opens_at_once": "opens at once, before anybody is there: true lets the host open the first round",
    "treatment_never_comes": "never comes by the clock: there are {repeat} rounds",
    "changes_nothing": "changes nothing",
    "house_offers_none": "in round {round} the house offers no {good}: its best ask is {ask}",
    "house_bids_for_none": "in round {round} the house bids for no {good}: its best bid is {bid}",
    "nobody_gains": "in round {round} nobody can gain: the best unit is worth {worth}, and costs {cost}",
    "round_change_slow": "with more than {most} players a round change holds everybody up",
    "no_quiz": "keeps nobody from trading: there is no quiz",
    # What is wrong with a definition
    "need_integer": "expected an integer, found {found}",
    "need_boolean": "expected true or false, found {found}",
    "need_string": "expected a string, found {found}",
    "need_table": "expected a table, found {found}",
    "need_list": "expected a list, found {found}",
    "need_one_of": "expected one of {names}, found {found}",
    "missing": "missing",
    "unknown_key": "unknown, expected one of {names}",
    "unknown_key_near": "unknown, expected one of {names}; did you mean {near}?",
    "need_id": "expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit",
    "need_range": "expected {low} to {high}, found {found}",
    "need_characters": "expected {low} to {high} characters",
    "need_characters_at_most": "expected at most {high} characters",
    "need_entries": "expected {low} to {high} {of}",
    "need_entries_at_most": "expected at most {high} {of}",
    "need_entries_found": "expected {low} to {high} {of}, found {found}",
    "need_distinct": "expected {of} that differ from each other",
    "hints_fewer": "expected at least two hints fewer than values, so that nobody is told everything",
    "need_house": "expected a house, whose anchor it is",
    "need_good": "expected one of the game's goods, found {found}",
    "need_bare_good": "expected a good without house, settlement and endowment: only sellers have it",
    "need_no_mark": "expected none: a unit counts for what it is worth to its owner",
    "high_below_low": "expected at least {low}, which is low, found {found}",
    "more_than_news": "expected at most {listed}, as many as there are news, found {found}",
    "need_shifted_good": "expected a good whose anchor it shifts",
    "ends_before": "expected at least {from_round}, which is from_round, found {found}",
    "need_private_values": "expected private_values, which it changes",
    "no_price": "expected prices at which {good} can be traded in round {round}, found a ceiling of {ceiling} under a"
    " floor, or a tax on sellers, of {floor}",
    "need_choice": "expected one of {choices} choices, from 0, found {found}",
    "group_is_made": "expected none: a game with groups makes them",
    "id_with_groups": "expected at most {most} characters, with {suffix} behind it",
    "need_group_name": "expected printable characters with no space at either end",
    "group_again": "expected a name that no other group has: neither case nor spaces count",
    # And with a roster
    "need_names": "expected names, seats or csv: empty ones let everybody in",
    "table_or_lists": "expected a table or lists, not both",
    "need_pattern": f"expected {PATTERN_EXPECTED}",
    "need_seats": "expected seats, or the pattern of a number",
    "label_first": "expected a label before group and team",
    "roster_full": "a roster has at most {most} seats and {most} names",
    "unknown_column": "the first line names columns: {found} is none, or there twice; known: label, name, group, team",
    "too_many_cells": "expected at most {most} cells",
    "label_again": "{place} has the same label",
    "label_again_in_line": "line {before} has the same label",
    "need_label": f"expected a label of {LABEL_EXPECTED}",
    "need_group": "expected a group of at most {most} printable characters",
    "need_known_group": "expected one of the game's groups, {groups}, or none",
    "need_team": "expected a team of at most {most} printable characters",
    "need_name": f"expected {NAME_EXPECTED}",
}


class Why(Struct, frozen=True, omit_defaults=True):
    """A reason, by its name, with its parameters. As a text it is English."""

    name: str
    params: dict[str, Param] = {}

    def __str__(self) -> str:
        return REASONS[self.name].format_map(self.params)


def why(name: str, **params: Param) -> Why:
    """A reason by its name. A number that JavaScript would not keep is told as a text."""
    for each, value in params.items():
        if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            params[each] = str(value)
    return Why(name, params)
