"""What must hold for every seed, beside the guarantees: each check is a function with one sentence.

Those in ``SETTLED`` must come true within a time after everything is mended. Those in ``ALWAYS`` are asked at the end,
with the guarantees of tests/guarantees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.guarantees import checks as guarantees
from tests.guarantees.history import AccountSeen, Answered, Command, Event, Followed, FrameSeen, History
from tests.guarantees.truth import Truth, replay
from tests.simulation.world import FRAMES_KEPT, GAME, GRACE_S, LOOK_S, Life, World
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.membership.clock_watch import GROSS_MS, TOLERANCE_MS
from tradegame.protocol.commands import decode_entry

MOST_SHOWN = 4
CLOCK_NOTICED_S = 14.0
"""How long a wrong clock may go unnoticed: four heartbeats of the other nodes, of 2.5 s, and something for delays."""

GROSS_NOTICED_S = 5.0
"""The same for one that is off by more than a minute: two nodes' next heartbeats tell."""

Settling = Callable[[World], Iterator[str]]
Check = Callable[[World, Truth], Iterator[str]]


# What must come true


def clients_settle(world: World) -> Iterator[str]:
    """Every client gets an answer to everything, follows the game, and has seen its last frame."""
    seq = max((host.game.state.seq for _, host in world.hosts()), default=0)
    for client in world.clients:
        if client.history.left:
            continue
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
            for subscriber in process.node.hub.roster.subscribers.values():
                if subscriber.client.signed_in is not None:
                    expected.append(f"sim/connections/{process.name}/{subscriber.client.connection}")
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


def who_is_here_is_dealt_to(world: World) -> Iterator[str]:
    """A round is open, and whoever follows the game and has an account takes part."""
    there = {client.player for client in world.clients if client.following}
    for process, host in world.hosts():
        state = host.game.state
        if state.phase != "open":
            yield f"{process.name} has no round open"
        waiting = sorted(there & state.players.keys() - state.dealt.keys())
        yield from (f"{process.name} has not dealt to {player}" for player in waiting)


def departures_are_true(world: World) -> Iterator[str]:
    """Who chose it and follows the game nowhere has no order; nobody who follows it is taken for departed."""
    there = {client.player for client in world.clients if client.following}
    for process, host in world.hosts():
        state = host.game.state
        for player in state.cancel_on_disconnect:
            if player in there and player in state.departed:
                yield f"{process.name} takes {player} for departed, who is here"
            if player not in there and state.accounts[player].orders:
                yield f"{process.name} has orders of {player}, who has left"


def replicas_agree(world: World) -> Iterator[str]:
    """All nodes have one state, to the last byte."""
    hosts = world.hosts() if world.log else []
    if len({host._replica.revision >= world.log[-1].revision for _, host in hosts}) > 1:
        return
    hashes = {process.name: snapshot.state_hash(host.game)[:8] for process, host in hosts if host.running}
    if len(set(hashes.values())) > 1:
        yield f"states differ: {hashes}"


def the_host_is_done(world: World) -> Iterator[str]:
    """Every call of the host's was answered."""
    if not world.host.done:
        yield "the host waits"


SETTLED: tuple[Settling, ...] = (
    the_host_is_done,
    clients_settle,
    nodes_are_ready,
    leases_are_retaken,
    presence_is_true,
    who_is_here_is_dealt_to,
    departures_are_true,
    replicas_agree,
)

# What must hold at the end, beside the guarantees


def nodes_pass_the_audit(world: World, truth: Truth) -> Iterator[str]:
    """Every invariant of the rules holds on every node."""
    for process, host in world.hosts():
        yield from (f"{process.name}: {violation}" for violation in audit(host.game.state))


def replicas_are_the_log(world: World, truth: Truth) -> Iterator[str]:
    """A node that has applied the whole log has the state to which its replay leads."""
    for process, host in world.hosts():
        if host.running and world.log and host._replica.revision >= world.log[-1].revision:
            ours = snapshot.state_hash(host.game)
            if ours != truth.digest:
                yield f"{process.name} has {ours[:8]}, the replay {truth.digest[:8]}"


def who_is_connected_keeps_their_orders(world: World, truth: Truth) -> Iterator[str]:
    """No order is withdrawn for a departure whose player was connected to a node that was well for the whole grace."""
    for each in truth.withdrawals:
        spans, at = world.well.get(each.player, ()), each.entry.at
        if any(since <= at - GRACE_S and at - 2 * LOOK_S <= to for since, to in spans):
            yield f"{each.player} was connected, and {each.entry.id} withdrew their orders at {at:.3f}"


def clocks_are_trusted_with_reason(world: World, truth: Truth) -> Iterator[str]:
    """A node whose clock is off, while the others live and tell theirs, soon appends nothing any more."""
    if world.wrong_clock is None:
        return
    since, until, name = world.wrong_clock
    for entry in world.entries:
        if entry.at < until and entry.id.startswith(f"{name}."):
            off_ms = decode_entry(entry.value).at - world.ms_at(entry.at)
            noticed_s = GROSS_NOTICED_S if abs(off_ms) > GROSS_MS else CLOCK_NOTICED_S
            if abs(off_ms) > 2 * TOLERANCE_MS and entry.at >= max(since, world.mended_at) + noticed_s:
                yield f"{name} appended {entry.id} at {entry.at:.3f} with a clock that is off by {off_ms} ms"


def games_end_when_they_are_deleted(world: World, truth: Truth) -> Iterator[str]:
    """A game is deleted once for each time that the host says so, however often the call is given."""
    if (ended := sum(life.over for life in world.lives)) > world.host.deleted:
        yield f"{ended} games were deleted, {world.host.deleted} were to be"


def nobody_is_shown_a_game_that_is_over(world: World, truth: Truth) -> Iterator[str]:
    """Once anybody was answered in a game, no join that is sent then shows one that was before it."""
    number = {life.epoch: number for number, life in enumerate(world.lives)}
    known = [
        (event.at, number[epoch])
        for client in world.clients
        for event in client.history.of(Answered)
        if event.ok and (epoch := client.commands[event.command].fields.get("epoch")) is not None
    ]
    for client in world.clients:
        for event in client.history.of(Followed):
            newest = max((life for at, life in known if at < event.asked_at), default=0)
            if number[event.epoch] < newest:
                yield f"{client.name} was shown {event.epoch} at {event.asked_at:.3f}, which was over"


def no_errors_are_logged(world: World, truth: Truth) -> Iterator[str]:
    """No node logs an error, whatever happens around it."""
    yield from (f"{node}: {text}" for node, text in world.story.errors)


ALWAYS: tuple[Check, ...] = (
    nodes_pass_the_audit,
    replicas_are_the_log,
    clocks_are_trusted_with_reason,
    games_end_when_they_are_deleted,
    nobody_is_shown_a_game_that_is_over,
    no_errors_are_logged,
)


def is_settled(world: World) -> bool:
    """Whether all has come true."""
    return not any(True for check in SETTLED for _ in check(world))


def unsettled(world: World) -> list[str]:
    """What has not come true yet, by the name of its check."""
    return guarantees.found(((check, check(world)) for check in SETTLED), MOST_SHOWN)


def violations(world: World) -> list[str]:
    """What every check finds at the end, by its name; of each the first few."""
    runs = [_of_one_life(world, life) for life in world.lives]
    found = [(check, check(run)) for run in runs for check in guarantees.CHECKS]
    found += [(no_command_outlives_its_game, no_command_outlives_its_game(world, runs))]
    withdrawn = who_is_connected_keeps_their_orders
    found += [(withdrawn, withdrawn(world, run.truth)) for run in runs]
    return guarantees.found(found + [(check, check(world, runs[-1].truth)) for check in ALWAYS], MOST_SHOWN)


def no_command_outlives_its_game(world: World, runs: Sequence[guarantees.Run]) -> Iterator[str]:
    """No command takes effect in another game than the one that it was given in."""
    given = {
        client.history.name_of(number): command.fields["epoch"]
        for client in world.clients
        for number, command in enumerate(client.commands)
        if "epoch" in command.fields
    }
    for run in runs:
        for name in run.truth.effects:
            if given.get(name, run.truth.epoch) != run.truth.epoch:
                yield f"{name} was given in {given[name]}, and took effect in {run.truth.epoch}"


def _of_one_life(world: World, life: Life) -> guarantees.Run:
    truth = replay(life.created(), life.log, audit_every=25)
    snapshots = [(each.generation, each.digest) for meta in life.metas for each in meta.snapshots[-1:]]
    last = life is world.lives[-1]
    histories = [_in_life(client.history, life.epoch, last) for client in world.clients]
    return guarantees.Run([*histories, world.host.history], truth, FRAMES_KEPT, snapshots=snapshots)


def _in_life(history: History, epoch: str, last: bool) -> History:
    """What a client did in one game, and heard of it. A copy may come to any game."""
    commands, events, followed = list[Command](), list[Event](), epoch
    for command in history.commands:
        here = command.fields.get("epoch", epoch) == epoch
        commands.append(command if here else Command(command.key, command.fields, abandoned=True))
    for event in history.events:
        if isinstance(event, Followed):
            followed = event.epoch
        if isinstance(event, Answered) and commands[event.command].fields.get("epoch", epoch) != epoch:
            continue
        if isinstance(event, Followed | FrameSeen | AccountSeen) and followed != epoch:
            continue
        events.append(event)
    return History(history.name, history.player, commands, events, left=history.left or not last)
