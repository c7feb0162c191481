"""What must hold, whatever was killed: each guarantee is a function, and yields what breaks it, in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tests.robustness.checks_in_time import CHECKS_IN_TIME
from tests.robustness.history import (
    AccountSeen,
    Answered,
    Followed,
    FrameSeen,
    History,
    Odd,
    Sent,
    Signed,
)
from tests.robustness.run import Check, Run
from tests.robustness.run import settling as _settling
from tests.robustness.truth import Effect

MOST_SHOWN = 12


def acknowledged_is_there(run: Run) -> Iterator[str]:
    """What was acknowledged is in the log and took effect exactly once, with the very result that was told."""
    for history in run.histories:
        for answered in _settling(history):
            command = history.commands[answered.command]
            if command.key is None:
                said = run.truth.said[command.fields["text"]]
                if answered.ok and said != 1:
                    yield f"{history.name}: {command.fields} was acknowledged, and said {said} times"
                continue
            effects = run.truth.effects.get((history.player, command.key), [])
            told = Effect(answered.ok, {name: value for name, value in answered.body.items() if name != "replayed"})
            if not effects:
                yield f"{history.name}: {command.key} {command.fields} was acknowledged, and is not in the log"
            elif told != effects[0]:
                yield f"{history.name}: {command.key} {command.fields} was told {told}, the log says {effects[0]}"


def sent_again_has_one_effect(run: Run) -> Iterator[str]:
    """However often a command was sent with its key, and whatever became of the answers, it took effect once."""
    for history in run.histories:
        settled = {answered.command for answered in _settling(history)}
        for number, command in enumerate(history.commands):
            if command.key is None:
                if (said := run.truth.said[command.fields["text"]]) > 1:
                    yield f"{history.name}: {command.fields} was sent once, and said {said} times"
                continue
            effects = run.truth.effects.get((history.player, command.key), ())
            if len(effects) > 1:
                between = effects[1].newer - effects[0].newer - 1
                told = f"took effect {len(effects)} times, the second time {between} newer keys later"
                yield f"{history.name}: {command.key} {command.fields} {told}"
            if number not in settled:
                yield f"{history.name}: {command.key} {command.fields} was never answered"


def one_first_answer(run: Run) -> Iterator[str]:
    """Of all the answers to one command at most one is the first; every other one says `replayed`."""
    for history in run.histories:
        first = Counter(answered.command for answered in _settling(history) if not answered.body.get("replayed"))
        for number, count in first.items():
            if count > 1:
                yield f"{history.name}: {history.commands[number]} was answered {count} times as if for the first time"


def appended_as_often_as_sent(run: Run) -> Iterator[str]:
    """No command stands in the log more often than its client sent it, and none that nobody sent."""
    known = set()
    for history in run.histories:
        sent = Counter(event.command for event in history.of(Sent))
        for number, command in enumerate(history.commands):
            if command.key is not None:
                name = (history.player, command.key)
                known.add(name)
                if run.truth.logged[name] > sent[number]:
                    yield (
                        f"{history.name}: {command.key} was sent {sent[number]} times, "
                        f"and is in the log {run.truth.logged[name]} times"
                    )
    for player, key in run.truth.logged.keys() - known:
        if key != "join":
            yield f"nobody sent {key}, which {player} has in the log"


def streams_have_no_gap_and_no_repeat(run: Run) -> Iterator[str]:
    """Each client's frames, over all its connections, rise by exactly one from where it joined to the end."""
    for history in run.histories:
        seq: int | None = None
        for event in history.events:
            if isinstance(event, Followed):
                if seq is not None and event.recovered and event.seq != seq:
                    yield f"{history.name}: joined after frame {seq}, and was taken up after {event.seq}"
                if seq is None or not event.recovered:
                    seq = event.seq
            elif isinstance(event, FrameSeen):
                if seq is None:
                    yield f"{history.name}: frame {event.seq} came before any join was answered"
                elif event.seq > seq + 1:
                    yield f"{history.name}: a gap: frame {event.seq} after frame {seq}"
                elif event.seq <= seq:
                    yield f"{history.name}: a repeat: frame {event.seq} after frame {seq}"
                seq = event.seq
        if seq != run.truth.seq:
            yield f"{history.name}: saw frames up to {seq}, the game is at {run.truth.seq}"


def streams_are_resumed(run: Run) -> Iterator[str]:
    """Whoever comes back with `after`, and is not too far back, gets the frames it missed and no new state.

    A node that is cut off from the store for longer than it lets a client wait has nothing to show but an old state.
    """
    for history in run.histories:
        for joined in history.of(Followed):
            if joined.epoch != run.truth.epoch:
                yield f"{history.name}: the game's epoch became {joined.epoch}"
            if joined.after is None or joined.recovered:
                continue
            if joined.seq < joined.after:
                if not run.store_troubled:
                    yield f"{history.name}: was at frame {joined.after}, and was taken back to {joined.seq}"
            elif joined.seq - joined.after < run.frames_kept:
                yield f"{history.name}: was at frame {joined.after} of {joined.seq}, and could not resume"


def streams_are_the_log(run: Run) -> Iterator[str]:
    """Every client sees the same frames, byte for byte, and they are those that the log leads to."""
    for history in run.histories:
        for seen in history.of(FrameSeen):
            expected = run.truth.frames.get(seen.seq)
            if expected is None:
                yield f"{history.name}: was shown frame {seen.seq}, which the log does not know"
            elif seen.text != expected:
                yield f"{history.name}: frame {seen.seq} was {seen.text.decode()}, by the log it is {expected.decode()}"


def messages_are_seen_once(run: Run) -> Iterator[str]:
    """Counted in the streams alone: an acknowledged message was shown exactly once, any other at most once."""
    shown = Counter(
        event["text"] for frame in _stream(run.histories).values() for event in frame if event["type"] == "said"
    )
    for history in run.histories:
        settled = {answered.command for answered in _settling(history) if answered.ok}
        for number, command in enumerate(history.commands):
            if command.fields["op"] == "say":
                text = command.fields["text"]
                if shown[text] > 1 or (number in settled and not shown[text]):
                    yield f"{history.name}: {text!r} was shown {shown[text]} times"


def trades_are_those_acknowledged(run: Run) -> Iterator[str]:
    """Counted in streams and answers alone: what each player took in each frame is what it was told that it took."""
    players = {history.player for history in run.histories}
    shown: Counter[tuple[str, int, str, str]] = Counter()
    for seq, frame in _stream(run.histories).items():
        for event in frame:
            if event["type"] == "trade":
                taker = event["buyer"] if event["taker"] == "buy" else event["seller"]
                if taker in players:
                    shown[taker, seq, event["good"], event["taker"]] += event["qty"]
    told: Counter[tuple[str, int, str, str]] = Counter()
    for history in run.histories:
        results = {answered.command: answered.body for answered in _settling(history) if answered.ok}
        for number, body in results.items():
            fields = history.commands[number].fields
            if body.get("filled"):
                side = fields["op"] if fields["op"] != "order" else {"bid": "buy", "ask": "sell"}[fields["side"]]
                told[history.player, body["seq"], fields["good"], side] += body["filled"]
    for name in sorted(shown.keys() | told.keys()):
        if shown[name] != told[name]:
            player, seq, good, side = name
            yield f"{player}: frame {seq} shows a {side} of {shown[name]} {good}, answers tell of {told[name]}"


def answers_go_forward(run: Run) -> Iterator[str]:
    """On one client, the `seq` of first answers never goes back, on whichever node it asks."""
    for history in run.histories:
        last = 0
        for answered in history.of(Answered):
            if answered.ok and not answered.body.get("replayed"):
                if answered.body["seq"] < last:
                    yield f"{history.name}: was told seq {answered.body['seq']} after {last}"
                last = answered.body["seq"]


def accounts_are_the_logs(run: Run) -> Iterator[str]:
    """Every account that a player was shown is one that it had by the log, and the last is what it has at the end."""
    for history in run.histories:
        for seen in history.of(AccountSeen):
            if seen.account not in run.truth.accounts.get((history.player, seen.seq), ()):
                yield f"{history.name}: was shown an account at seq {seen.seq} that it never had: {seen.account}"
        if history.account != run.truth.final.get(history.player):
            yield f"{history.name}: me is {history.account}, by the log {run.truth.final.get(history.player)}"


def players_stay_themselves(run: Run) -> Iterator[str]:
    """A token stands for the same player after every kill, and nothing comes that must not."""
    for history in run.histories:
        for signed in history.of(Signed):
            if signed.player != history.player:
                yield f"{history.name}: was {history.player}, became {signed.player}"
        yield from (f"{history.name}: {odd.what}" for odd in history.of(Odd))


def the_log_is_sound(run: Run) -> Iterator[str]:
    """Nothing in the log was ever changed; every invariant holds all along; snapshots are what it leads to."""
    yield from run.truth.problems


CHECKS: tuple[Check, ...] = (
    acknowledged_is_there,
    sent_again_has_one_effect,
    one_first_answer,
    appended_as_often_as_sent,
    streams_have_no_gap_and_no_repeat,
    streams_are_resumed,
    streams_are_the_log,
    messages_are_seen_once,
    trades_are_those_acknowledged,
    answers_go_forward,
    accounts_are_the_logs,
    players_stay_themselves,
    the_log_is_sound,
    *CHECKS_IN_TIME,
)


def violations(run: Run) -> list[str]:
    """What every check finds, by name; of each the first few."""
    found: list[str] = []
    for check in CHECKS:
        these = [f"{check.__name__}: {violation}" for violation in check(run)]
        found += these[:MOST_SHOWN]
        if len(these) > MOST_SHOWN:
            found.append(f"{check.__name__}: … and {len(these) - MOST_SHOWN} more")
    return found


def _stream(histories: Sequence[History]) -> dict[int, list[dict[str, Any]]]:
    """What all clients saw together, by seq. That they saw the same is another check's affair."""
    texts = {seen.seq: seen.text for history in histories for seen in history.of(FrameSeen)}
    return {seq: json.loads(text)["events"] for seq, text in texts.items()}
