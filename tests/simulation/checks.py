"""What must hold for every seed: each guarantee is a function with one sentence, and yields what breaks it.

Those in ``SETTLED`` must come true within a time after everything is mended; those in ``ALWAYS`` are asked at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from attrs import define

from tests.simulation.client import RULE_CODES
from tests.simulation.history import Answered, FrameSeen, History, Joined, Odd, Sent
from tests.simulation.truth import Truth, name_of
from tests.simulation.world import GAME, World
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.use_cases.clock import GROSS_MS, TOLERANCE_MS
from tradegame.protocol.commands import decode_entry

MOST_SHOWN = 4
CLOCK_NOTICED_S = 14.0
"""How long a wrong clock may go unnoticed: four heartbeats of the other nodes, of 2.5 s, and something for delays."""

GROSS_NOTICED_S = 5.0
"""The same for one that is off by more than a minute: two nodes' next heartbeats tell."""

Settling = Callable[[World], Iterator[str]]
Check = Callable[[World, Truth], Iterator[str]]


@define
class _Told:
    """How a command's sends came out: so often it was refused for certain, so often a result was told."""

    refused: int = 0
    results: int = 0


# What must come true


def clients_settle(world: World) -> Iterator[str]:
    """Every client gets an answer to everything, follows the game, and has seen its last frame."""
    seq = max((host.game.state.seq for _, host in world.hosts()), default=0)
    for client in world.clients:
        if not client.done:
            open_ones = [command.number for command in client.commands if not command.settled]
            yield f"{client.name}: {len(client.commands)} of {client.quota} sent, {open_ones} unsettled"
        elif not client.following:
            yield f"{client.name} follows no node"
        elif client.place is None or client.place[1] != seq:
            yield f"{client.name} is at {client.place}, the game at {seq}"


def nodes_are_ready(world: World) -> Iterator[str]:
    """Every node serves the game, says that it is ready, and has applied the whole log."""
    last = world.log[-1].revision if world.log else 0
    for slot in world.slots:
        process = slot.process
        if process is None or process.node is None or not process.alive:
            yield f"{slot.name} does not run"
            continue
        host = process.node.games.hosts.get(GAME)
        if host is None or not host.running:
            yield f"{process.name} does not serve the game"
        elif host._replica.revision < last:
            yield f"{process.name} has applied up to {host._replica.revision}, the log is at {last}"
        # asked as its own HTTP route would ask, in its own context: it may log
        if (reason := process.in_its_context(process.node.ready)) is not None:
            yield f"{process.name} is not ready: {reason}"


def leases_are_retaken(world: World) -> Iterator[str]:
    """The register holds every living node and every connection, each on a living lease, and nothing else."""
    expected, found = [], []
    for process in world.processes():
        expected.append(f"sim/nodes/{process.name}")
        if process.node is not None:
            for member in process.node.hub.members.values():
                if member.client.signed_in is not None:
                    expected.append(f"sim/connections/{process.name}/{member.client.connection}")
    for key, pair in world.ledger.pairs.items():
        if key.startswith(("sim/nodes/", "sim/connections/")):
            found.append(key)
            if pair.lease not in world.ledger.leases:
                yield f"{key} is on no living lease"
    yield from (f"{key} is not in the register" for key in sorted(set(expected) - set(found)))
    yield from (f"{key} is in the register, and should not be" for key in sorted(set(found) - set(expected)))


def presence_is_true(world: World) -> Iterator[str]:
    """Every node, and every client by what it was told, knows exactly who follows the game."""
    there = sorted({client.player for client in world.clients if client.following and client.player})
    for process in world.processes():
        if process.node is not None and sorted(process.node.presence.online(GAME)) != there:
            yield f"{process.name} takes {sorted(process.node.presence.online(GAME))} for online, it is {there}"
    for client in world.clients:
        if client.following and sorted(client.online) != there:
            yield f"{client.name} was told that {sorted(client.online)} are online, it is {there}"


def replicas_agree(world: World) -> Iterator[str]:
    """All nodes have one state, to the last byte."""
    hosts = world.hosts() if world.log else []
    if len({host._replica.revision >= world.log[-1].revision for _, host in hosts}) > 1:
        return
    hashes = {process.name: snapshot.state_hash(host.game)[:8] for process, host in hosts if host.running}
    if len(set(hashes.values())) > 1:
        yield f"states differ: {hashes}"


SETTLED: tuple[Settling, ...] = (
    clients_settle,
    nodes_are_ready,
    leases_are_retaken,
    presence_is_true,
    replicas_agree,
)

# What must hold at the end


def acknowledged_is_there_once(world: World, truth: Truth) -> Iterator[str]:
    """What was acknowledged is in the log and took effect exactly once, with the very result that was told."""
    for client in world.clients:
        for answered in client.history.of(Answered):
            if not answered.ok and answered.body["code"] not in RULE_CODES:
                continue
            name = _name(client.history, answered.command)
            logged = truth.logged.get(name)
            told = {key: value for key, value in answered.body.items() if key not in ("replayed", "message")}
            if not logged:
                yield f"{client.name}: {name[1]} was answered {told}, and is not in the log"
            elif answered.ok and truth.effects[name] != 1:
                yield f"{client.name}: {name[1]} was acknowledged, and took effect {truth.effects[name]} times"
            elif told != logged[0].body:
                yield f"{client.name}: {name[1]} was told {told}, by the log it is {logged[0].body}"


def one_effect_at_most(world: World, truth: Truth) -> Iterator[str]:
    """However often a command was sent with its key, and whatever became of the answers, it took effect once."""
    for (player, key), effects in truth.effects.items():
        if effects > 1 and key not in ("text:", "join"):  # to join again is no effect
            yield f"{player}: {key} took effect {effects} times"


def sent_again_is_settled(world: World, truth: Truth) -> Iterator[str]:
    """A command with a key that was sent until it was answered is in the log, unless it was refused for certain."""
    for client in world.clients:
        refused = {
            answered.command
            for answered in client.history.of(Answered)
            if answered.definite and not answered.ok and answered.body["code"] not in RULE_CODES
        }
        for command in client.commands:
            owed = command.key and command.settled and command.number not in refused
            if owed and _name(client.history, command.number) not in truth.logged:
                yield f"{client.name}: {command.key} is settled, and not in the log"


def logged_as_often_as_sent(world: World, truth: Truth) -> Iterator[str]:
    """A command stands in the log at most as often as it was sent and not refused for certain; none is there unsent."""
    allowed: Counter[tuple[str, str]] = Counter()
    for client in world.clients:
        for event in client.history.of(Sent):
            allowed[_name(client.history, event.command)] += 1
        for answered in client.history.of(Answered):
            if answered.definite and not answered.ok and answered.body["code"] not in RULE_CODES:
                allowed[_name(client.history, answered.command)] -= 1
    for name, logged in truth.logged.items():
        if logged[0].command.op != "join" and len(logged) > allowed[name]:
            yield f"{name[1]} may be in the log {allowed[name]} times, and is there {len(logged)} times"


def entries_are_appended_once(world: World, truth: Truth) -> Iterator[str]:
    """No entry is in the log twice, and none in a generation that was over."""
    for entry_id, count in Counter(entry.id for entry in world.log).items():
        if count > 1:
            yield f"the entry {entry_id} was appended {count} times"
    generation = 0
    for entry in world.log:
        if entry.generation < generation:
            yield f"the entry {entry.id} came into generation {entry.generation} after {generation} had begun"
        generation = max(generation, entry.generation)


def streams_have_no_gap(world: World, truth: Truth) -> Iterator[str]:
    """Each client's frames, over all its connections, rise by exactly one from where it joined to the end."""
    for client in world.clients:
        seq: int | None = None
        for event in client.history.events:
            if isinstance(event, Joined):
                if seq is not None and event.recovered and event.seq != seq:
                    yield f"{client.name}: had seen {seq}, and was taken up after {event.seq}"
                if seq is not None and event.seq < seq:
                    yield f"{client.name}: had seen {seq}, and was taken back to {event.seq}"
                seq = event.seq
            elif isinstance(event, FrameSeen):
                if seq is None or event.seq != seq + 1:
                    yield f"{client.name}: frame {event.seq} after {seq}"
                seq = event.seq


def streams_are_one_sequence(world: World, truth: Truth) -> Iterator[str]:
    """Every frame that anybody saw is, byte for byte, the one that the log leads to."""
    for client in world.clients:
        for frame in client.history.of(FrameSeen):
            if truth.frames.get(frame.seq) != frame.text:
                theirs = truth.frames.get(frame.seq, b"no frame").decode()
                yield f"{client.name}: saw {frame.text.decode()}, by the log it is {theirs}"


def answers_go_forward(world: World, truth: Truth) -> Iterator[str]:
    """On one client, the ``seq`` of first answers never goes back, on whichever node it asks."""
    for client in world.clients:
        last = 0
        for answered in client.history.of(Answered):
            if answered.ok and not answered.body.get("replayed"):
                if answered.body["seq"] < last:
                    yield f"{client.name}: was told seq {answered.body['seq']} after {last}"
                last = answered.body["seq"]


def nothing_stale_is_shown_as_live(world: World, truth: Truth) -> Iterator[str]:
    """Whoever is taken up, on whichever node, is shown all that anybody had been told of before it asked."""
    for client in world.clients:
        for joined in client.history.of(Joined):
            shown = [
                shown.seq
                for shown in world.shown
                if shown.node == joined.node
                and shown.player == client.player
                and joined.asked_at <= shown.at <= joined.at
            ]
            due = world.acknowledged_by(joined.asked_at)
            if shown and shown[-1] < due:
                yield (
                    f"{client.name}: asked at {joined.asked_at:.3f} and was shown seq {shown[-1]} on {joined.node}, "
                    f"seq {due} had been acknowledged by then"
                )


def money_and_goods_are_conserved(world: World, truth: Truth) -> Iterator[str]:
    """Every invariant of the rules holds, in the log's replay and on every node."""
    yield from truth.problems
    for process, host in world.hosts():
        yield from (f"{process.name}: {violation}" for violation in audit(host.game.state))


def replicas_are_the_log(world: World, truth: Truth) -> Iterator[str]:
    """A node that has applied the whole log has the state to which its replay leads."""
    for process, host in world.hosts():
        if host.running and world.log and host._replica.revision >= world.log[-1].revision:
            ours, theirs = snapshot.state_hash(host.game), snapshot.state_hash(truth.game)
            if ours != theirs:
                yield f"{process.name} has {ours[:8]}, the replay {theirs[:8]}"


def snapshots_are_the_log(world: World, truth: Truth) -> Iterator[str]:
    """Every snapshot is what the log leads to where its generation begins."""
    for meta in world.metas:
        for reference in meta.snapshots[-1:]:
            if reference.digest != truth.digests[reference.generation]:
                yield (
                    f"the snapshot of generation {reference.generation} is {reference.digest[:8]}, "
                    f"the replay {truth.digests[reference.generation][:8]}"
                )


def clocks_are_trusted_with_reason(world: World, truth: Truth) -> Iterator[str]:
    """A node whose clock is off, while the others live and tell theirs, soon appends nothing any more."""
    if world.wrong_clock is None:
        return
    since, until, name = world.wrong_clock
    for entry in world.log:
        if entry.at < until and entry.id.startswith(f"{name}."):
            off_ms = decode_entry(entry.value).at - world.ms_at(entry.at)
            noticed_s = GROSS_NOTICED_S if abs(off_ms) > GROSS_MS else CLOCK_NOTICED_S
            if abs(off_ms) > 2 * TOLERANCE_MS and entry.at >= max(since, world.mended_at) + noticed_s:
                yield f"{name} appended {entry.id} at {entry.at:.3f} with a clock that is off by {off_ms} ms"


def nothing_odd_comes(world: World, truth: Truth) -> Iterator[str]:
    """No client is answered what it did not ask, or becomes somebody else."""
    for client in world.clients:
        yield from (f"{client.name}: {odd.what}" for odd in client.history.of(Odd))


def no_errors_are_logged(world: World, truth: Truth) -> Iterator[str]:
    """No node logs an error, whatever happens around it."""
    yield from (f"{node}: {text}" for node, text in world.story.errors)


ALWAYS: tuple[Check, ...] = (
    acknowledged_is_there_once,
    one_effect_at_most,
    sent_again_is_settled,
    logged_as_often_as_sent,
    entries_are_appended_once,
    streams_have_no_gap,
    streams_are_one_sequence,
    answers_go_forward,
    nothing_stale_is_shown_as_live,
    money_and_goods_are_conserved,
    replicas_are_the_log,
    snapshots_are_the_log,
    clocks_are_trusted_with_reason,
    nothing_odd_comes,
    no_errors_are_logged,
)


def is_settled(world: World) -> bool:
    """Whether all has come true."""
    return not any(True for check in SETTLED for _ in check(world))


def unsettled(world: World) -> list[str]:
    """What has not come true yet, by the name of its check."""
    return _found((check.__name__, check(world)) for check in SETTLED)


def violations(world: World, truth: Truth) -> list[str]:
    """What every check finds at the end, by its name; of each the first few."""
    return _found((check.__name__, check(world, truth)) for check in ALWAYS)


def _found(checks: Iterator[tuple[str, Iterator[str]]]) -> list[str]:
    found: list[str] = []
    for name, violations in checks:
        these = [f"{name}: {violation}" for violation in violations]
        found += these[:MOST_SHOWN]
        if len(these) > MOST_SHOWN:
            found.append(f"{name}: … and {len(these) - MOST_SHOWN} more")
    return found


def _name(history: History, number: int) -> tuple[str, str]:
    command = history.commands[number]
    assert history.player is not None
    return history.player, name_of(command.key, command.fields.get("text", ""))
