"""The guarantees, whatever fails: each is a function with one sentence, and yields what breaks it, in words.

They look at what clients were told and saw, and at what the log leads to. The siege and the campaigns of
tests/robustness and every seed of tests/simulation ask all of them.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import define

from tests.guarantees.history import (
    NOT_THE_RESULT,
    AccountSeen,
    Answered,
    Followed,
    FrameSeen,
    History,
    Odd,
    Sent,
    Signed,
    Visit,
)
from tests.guarantees.truth import Effect, Name, Truth
from tradegame.client.events import public_events
from tradegame.cluster.witness import effects


@define(repr=False)
class Run:
    """``frames_kept``: a client must be able to resume from so far back. ``store_troubled``: the store itself was down.

    ``snapshots``: the generation and the digest of each that was saved. ``visits``: what newcomers were shown.
    """

    histories: Sequence[History]
    truth: Truth
    frames_kept: int
    store_troubled: bool = False
    snapshots: Iterable[tuple[int, str]] = ()
    visits: Sequence[Visit] = ()


Check = Callable[[Run], Iterator[str]]

# Exactly once


def acknowledged_is_there(run: Run) -> Iterator[str]:
    """An answered command is in the log and took effect, with exactly the result that was told."""
    for history in run.histories:
        for answered in history.settling:
            name = history.name_of(answered.command)
            told = Effect(answered.ok, {key: each for key, each in answered.body.items() if key not in NOT_THE_RESULT})
            in_log = run.truth.effects.get(name)
            if not in_log:
                yield f"{history.label(answered.command)} was told {told}, and is not in the log"
            elif told != in_log[0]:
                yield f"{history.label(answered.command)} was told {told}, the log says {in_log[0]}"


def one_effect_at_most(run: Run) -> Iterator[str]:
    """However often a command is sent with its key, however late, and whatever becomes of the answers: one effect."""
    for (player, name), found in run.truth.effects.items():
        if len(found) > 1:
            newer = found[1].newer - found[0].newer - 1
            yield f"{player}: {name} took effect {len(found)} times, the second time {newer} newer keys later"


def copies_say_the_same(run: Run) -> Iterator[str]:
    """Every copy of a command with a key says the same `since` and the same `epoch`, the game's."""
    for (player, name), said in run.truth.copies.items():
        if len(said) > 1 or {epoch for _, epoch in said} != {run.truth.epoch} or None in {since for since, _ in said}:
            yield f"{player}: the copies of {name} say {sorted(map(str, said))}"


def every_command_is_answered(run: Run) -> Iterator[str]:
    """A command with a key is sent until an answer says what became of it, or that nobody knows any more."""
    for history in run.histories:
        known = {each.command for each in history.of(Answered) if each.settles or each.refuses or each.stale}
        for number, command in enumerate(history.commands):
            if command.key is not None and number not in known and not command.abandoned:
                yield f"{history.label(number)} was never answered"


def one_first_answer(run: Run) -> Iterator[str]:
    """Of all answers to one command at most one is the first; every other one says `replayed`."""
    for history in run.histories:
        first = Counter(answered.command for answered in history.settling if not answered.body.get("replayed"))
        for number, count in first.items():
            if count > 1:
                yield f"{history.label(number)} was answered {count} times as if for the first time"


def logged_as_often_as_sent(run: Run) -> Iterator[str]:
    """A command is in the log at most as often as it was sent and not refused for certain; none is there unsent."""
    allowed: Counter[Name] = Counter()
    for history in run.histories:
        allowed.update(history.name_of(sent.command) for sent in history.of(Sent))
        allowed.subtract(history.name_of(each.command) for each in history.of(Answered) if each.refuses)
    for (player, name), times in run.truth.logged.items():
        if times > allowed[player, name]:
            yield f"{player}: {name} may be in the log {allowed[player, name]} times, and is there {times} times"


def effects_are_as_told(run: Run) -> Iterator[str]:
    """By streams and answers alone, without the log: each frame shows exactly what players were told they did in it.

    A message without a key and without an answer may be shown, once. Only of a command that nobody knows of any more,
    since it was `stale` or its client forgot it, the log is believed.
    """
    players = {history.player for history in run.histories}
    frames = {seen.seq: seen.text for history in run.histories for seen in history.of(FrameSeen)}
    seen: dict[tuple[str, int], tuple[effects.Effect, ...]] = {}
    for seq, text in frames.items():
        frame = json.loads(text)
        for player, done in effects.shown(public_events(frame["events"], seq, frame["at"]), players).items():
            seen[player, seq] = done
    told: dict[tuple[str, int], list[effects.Effect]] = {}
    unanswered: set[tuple[str, str]] = set()
    for history in run.histories:
        results = {answered.command: answered.body for answered in history.settling if answered.ok}
        orders: dict[str | None, dict[str, object]] = {}  # what was said of it, by each id that an order had
        for number, command in enumerate(history.commands):
            if number in results:
                fields = {**orders.get(command.fields.get("order"), {}), **command.fields}
                if "order" in results[number]:
                    orders[results[number]["order"]] = fields
                effect = _told(fields, results[number])
                told.setdefault((history.player, results[number]["seq"]), []).extend(effect)
            elif command.fields["op"] == "say" and command.key is None:
                unanswered.add((history.player, command.fields["text"]))
    unknown = {
        (history.player, effect.body.get("seq"))
        for history in run.histories
        for number in _never_known(history)
        for effect in run.truth.effects.get(history.name_of(number), ())
    }
    for player, seq in sorted((seen.keys() | told.keys()) - unknown):
        expected = told.get((player, seq), [])
        trades = effects.summed(each for each in expected if isinstance(each, effects.Traded))
        messages = [each for each in expected if isinstance(each, effects.Spoken)]
        for each in seen.get((player, seq), ()):
            if isinstance(each, effects.Spoken) and (player, each.text) in unanswered:
                unanswered.remove((player, each.text))
                messages.append(each)
        _, findings = effects.compare(f"{player} at {seq}", [*messages, *trades], seen.get((player, seq), ()))
        yield from (f"{kind}: {what}" for kind, what in findings)


def entries_are_appended_once(run: Run) -> Iterator[str]:
    """No entry is in the log twice, and none in a generation that was over."""
    for entry_id, count in Counter(entry.id for entry in run.truth.entries).items():
        if count > 1:
            yield f"the entry {entry_id} was appended {count} times"
    generation = 0
    for entry in run.truth.entries:
        if entry.generation < generation:
            yield f"the entry {entry.id} came into generation {entry.generation} after {generation} had begun"
        generation = max(generation, entry.generation)


# Streams


def streams_have_no_gap_and_no_repeat(run: Run) -> Iterator[str]:
    """Each client's frames, over all its connections, rise by exactly one from where it joined to the end."""
    for history in run.histories:
        seq: int | None = None
        for event in history.events:
            if isinstance(event, Followed):
                if seq is not None and event.recovered and event.seq != seq:
                    yield f"{history.name}: had seen {seq}, and was resumed after {event.seq}"
                if seq is None or not event.recovered:
                    seq = event.seq
            elif isinstance(event, FrameSeen):
                if seq is None or event.seq != seq + 1:
                    kind = "a repeat" if seq is not None and event.seq <= seq else "a gap"
                    yield f"{history.name}: {kind}: frame {event.seq} after {seq}"
                seq = event.seq
        if seq != run.truth.seq and not history.left:
            yield f"{history.name}: saw frames up to {seq}, the game is at {run.truth.seq}"


def streams_are_resumed(run: Run) -> Iterator[str]:
    """A client that comes back with `after`, and is not too far back, gets the frames it missed and no new state.

    A node that is cut off from the store for longer than it lets a client wait can only show an old state.
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
    """Every client sees the same frames, byte for byte, and the log leads to them."""
    for history in run.histories:
        for seen in history.of(FrameSeen):
            expected = run.truth.frames.get(seen.seq, b"no frame")
            if seen.text != expected:
                yield f"{history.name}: frame {seen.seq} was {seen.text.decode()}, by the log it is {expected.decode()}"


def answers_go_forward(run: Run) -> Iterator[str]:
    """On one client, the `seq` of first answers never goes back, on whichever node it asks."""
    for history in run.histories:
        last = 0
        for answered in history.of(Answered):
            if answered.ok and not answered.body.get("replayed"):
                if answered.body["seq"] < last:
                    yield f"{history.name}: was told seq {answered.body['seq']} after {last}"
                last = answered.body["seq"]


def no_stale_join(run: Run) -> Iterator[str]:
    """A join shows nothing older than what any client had been told, at any node, before it was sent."""
    told = sorted(
        (answered.at, answered.body["seq"])
        for history in run.histories
        for answered in history.settling
        if answered.ok and answered.at and not answered.body.get("replayed")
    )
    times, newest = [at for at, _ in told], [0]
    for _, seq in told:
        newest.append(max(newest[-1], seq))

    def least(asked_at: float) -> int:
        return newest[bisect_right(times, asked_at)]

    for history in run.histories:
        known = 0
        for event in history.events:
            if isinstance(event, Answered) and event.ok and not event.body.get("replayed"):
                known = max(known, event.body["seq"])
            elif isinstance(event, Followed) and event.asked_at and (event.shown is not None or not event.recovered):
                shown = event.seq if event.shown is None else event.shown
                own, others = max(known, event.after or 0), least(event.asked_at)
                if shown < own:
                    yield f"{history.name}: knew of {own}, and was shown the state at {shown}"
                elif shown < others:
                    yield f"{history.name}: was shown {shown} at {event.asked_at:.3f}, {others} was known"
    for visit in run.visits:
        if visit.seq < least(visit.asked_at):
            yield f"{visit.url} showed {visit.seq} at {visit.asked_at:.3f}, {least(visit.asked_at)} was known"


# Accounts, players and the log


def accounts_are_the_logs(run: Run) -> Iterator[str]:
    """Every account that a player was shown is one that it had by the log, and the last is what it has at the end."""
    for history in run.histories:
        for seen in history.of(AccountSeen):
            if seen.account not in run.truth.accounts.get((history.player, seen.seq), ()):
                yield f"{history.name}: was shown an account at seq {seen.seq} that it never had: {seen.account}"
        if history.account is not None and history.account != run.truth.final.get(history.player):
            yield f"{history.name}: me is {history.account}, by the log {run.truth.final.get(history.player)}"


def players_stay_themselves(run: Run) -> Iterator[str]:
    """A token stands for the same player after every fault, and nothing comes that must not."""
    for history in run.histories:
        for signed in history.of(Signed):
            if signed.player != history.player:
                yield f"{history.name}: was {history.player}, became {signed.player}"
        yield from (f"{history.name}: {odd.what}" for odd in history.of(Odd))


def the_log_is_sound(run: Run) -> Iterator[str]:
    """Nothing in the log was ever changed, and every invariant of the rules holds all along."""
    yield from run.truth.problems


def snapshots_are_the_log(run: Run) -> Iterator[str]:
    """Every snapshot is what the log leads to where its generation begins."""
    for generation, digest in run.snapshots:
        if digest != (expected := run.truth.digests.get(generation, "nothing")):
            yield f"the snapshot of generation {generation} is {digest[:8]}, the replay {expected[:8]}"


CHECKS: tuple[Check, ...] = (
    acknowledged_is_there,
    one_effect_at_most,
    copies_say_the_same,
    every_command_is_answered,
    one_first_answer,
    logged_as_often_as_sent,
    effects_are_as_told,
    entries_are_appended_once,
    streams_have_no_gap_and_no_repeat,
    streams_are_resumed,
    streams_are_the_log,
    answers_go_forward,
    no_stale_join,
    accounts_are_the_logs,
    players_stay_themselves,
    the_log_is_sound,
    snapshots_are_the_log,
)


def found(checks: Iterable[tuple[Callable[..., object], Iterator[str]]], most: int = 12) -> list[str]:
    """What the checks yield, each by its name; of each at most the first few."""
    told: list[str] = []
    for check, violations in checks:
        these = [f"{check.__name__}: {violation}" for violation in violations]
        told += these[:most]
        if len(these) > most:
            told.append(f"{check.__name__}: … and {len(these) - most} more")
    return told


def violations(run: Run) -> list[str]:
    """What every check finds, by its name; of each the first few."""
    return found((check, check(run)) for check in CHECKS)


def _never_known(history: History) -> set[int]:
    """The commands with a key of which the client heard that nobody knows what became of them, or forgot to ask."""
    settled = {answered.command for answered in history.settling}
    stale = {answered.command for answered in history.of(Answered) if answered.stale}
    forgotten = {number for number, command in enumerate(history.commands) if command.abandoned}
    return (stale | forgotten) - settled


def _told(fields: dict[str, object], result: dict[str, object]) -> list[effects.Effect]:
    """What a reply says that everybody can see."""
    if fields["op"] == "say":
        return [effects.Spoken(str(fields["text"]))]
    filled = result.get("filled")
    if not isinstance(filled, int) or not filled:
        return []
    buys = fields["op"] == "buy" or fields.get("side") == "bid"
    notional = result.get("cost" if buys else "proceeds")
    return [effects.Traded(str(fields["good"]), "buy" if buys else "sell", filled, notional)]  # type: ignore[arg-type]
