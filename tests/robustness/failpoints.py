"""The failpoints: what befalls nodes, members of etcd, and the network between them, each as a function that does it.

Each strikes, waits as long as the fault lasts, and puts right what a person on call would. That all recovers is
waited for by the siege.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from tests.robustness.proxy import Way
from tests.robustness.stage import PREFIX, QUOTA_BYTES, Place, Stage, coded, in_thread
from tests.robustness.strike import GIVEN_UP_S, Failpoint, Field, Strike
from tests.robustness.traffic import GAME
from tests.support.etcd import EtcdRefusedError, EtcdServer
from tradegame.core.repositories.connections import LEASE_S

NOTICED_S = 10.0
"""A node that is cut off says not ready within so long."""
BACK_S = 5.0
"""A node says ready again so soon after its network is back."""


# Nodes


async def killed(at: Field, strike: Strike, place: Place) -> None:
    await in_thread(place.server.kill)
    await trio.sleep(at.random.uniform(0, 1))
    await in_thread(place.server.start)


async def terminated(at: Field, strike: Strike, place: Place) -> None:
    await _restart(strike, place)


async def stopped_beyond_its_lease(at: Field, strike: Strike, place: Place) -> None:
    place.server.pause()
    await trio.sleep(LEASE_S + at.random.uniform(0.5, 2))
    # What comes while it stands still is in its sockets when it goes on.
    async with trio.open_nursery() as visits:
        for _ in range(3):
            visits.start_soon(at.visitor.visit, place.server.url, GIVEN_UP_S / 2)
            await trio.sleep(0.3)
        place.server.resume()
        continued_at = trio.current_time()
        for _ in range(5):
            visits.start_soon(at.visitor.visit, place.server.url, GIVEN_UP_S / 2)
            await trio.sleep(0.2)

    async def ready() -> None:
        await at.poller.until_ready(place.server)

    await strike.time("ready again", ready, continued_at, BACK_S)


async def killed_while_starting(at: Field, strike: Strike, place: Place) -> None:
    await in_thread(place.server.kill)
    await in_thread(place.server.launch)
    await trio.sleep(at.random.uniform(0.2, 2.0))
    await in_thread(place.server.kill)
    await in_thread(place.server.start)


async def killed_while_a_snapshot_is_saved(at: Field, strike: Strike, place: Place) -> None:
    """The generation is raised; the state is about to be saved, and the log to be trimmed, while appends go on."""
    before = await _generation(at.stage)

    async def raised() -> bool:
        return await _generation(at.stage) != before

    with trio.move_on_after(GIVEN_UP_S):
        await _until(raised, 0.01)
    at.hit(strike, place)
    await in_thread(place.server.kill)
    await in_thread(place.server.start)


async def an_hour_off(at: Field, strike: Strike, place: Place) -> None:
    place.server.clock_offset_s = at.random.choice((-3600, 3600))
    await _restart(strike, place)
    started_at = trio.current_time()
    await trio.sleep(at.random.uniform(3, 5))
    if at.poller.said_ready(place.server, started_at):
        strike.broken.append(f"{place.name}, whose clock is {place.server.clock_offset_s} s off, said that it is ready")
    strike.must_not_append.append(place.server.node)
    place.server.clock_offset_s = 0
    await _restart(strike, place)


async def of_another_version(at: Field, strike: Strike, place: Place) -> None:
    """One node is replaced by one of the next version, which makes a game by rules that the others do not know."""
    place.server.next_version = True
    await _restart(strike, place)
    meta = await at.stage.key(f"{PREFIX}/games/{GAME}/meta")
    assert meta is not None
    newer = {**json.loads(meta["value"]), "game": "newer", "rules": 99}
    await at.stage.put(f"{PREFIX}/games/newer/meta", json.dumps(newer).encode())
    await at.stage.put(f"{PREFIX}/catalog/newer", b'{"schema":1,"epoch":"newer"}')
    await trio.sleep(at.random.uniform(2, 4))
    for other in at.stage.places:
        if other.struck:
            continue
        if not at.poller.ready(other.server):
            strike.broken.append(f"{other.name} is not ready beside a node of another version")
        at.visitor.nodes.pop(other.server.url, None)
        await at.visitor.visit(other.server.url)
        told = at.visitor.nodes.get(other.server.url)
        if told is not None and place.server.url not in told:
            strike.broken.append(f"{other.name} does not know of the node of another version")
    await at.stage.delete_under(f"{PREFIX}/catalog/newer")
    await at.stage.delete_under(f"{PREFIX}/games/newer/")
    place.server.next_version = False
    await _restart(strike, place)


async def bereft_of_its_lease(at: Field, strike: Strike, place: Place) -> None:
    node = await at.stage.key(f"{PREFIX}/nodes/{place.server.node}")
    if node is None:
        strike.broken.append(f"{place.name} has no key, and nobody took it")
        return
    await at.stage.ask("lease/revoke", ID=node["lease"])

    async def registered() -> bool:
        return await at.stage.key(f"{PREFIX}/nodes/{place.server.node}") is not None

    await strike.time("registered again", partial(_until, registered), trio.current_time(), BACK_S)


async def restarted_one_after_the_other(at: Field, strike: Strike, place: Place) -> None:
    for each in at.stage.places:
        each.struck = True
        await _restart(strike, each)
        await at.poller.until_ready(each.server)
        await trio.sleep(0.5)
        each.struck = False


# Members of etcd


async def any_member_killed(at: Field, strike: Strike, place: Place) -> None:
    await _kill_member(at, at.random.choice(at.stage.etcd.members))


async def the_leader_killed(at: Field, strike: Strike, place: Place) -> None:
    await _kill_member(at, await at.stage.leader())


async def all_members_killed(at: Field, strike: Strike, place: Place) -> None:
    for member in at.stage.etcd.members:
        await in_thread(member.kill)
    await trio.sleep(at.random.uniform(0, 5))
    for member in at.stage.etcd.members:
        await in_thread(member.launch)
    for member in at.stage.etcd.members:
        await in_thread(member.wait_healthy)


async def the_leader_stopped(at: Field, strike: Strike, place: Place) -> None:
    leader = await at.stage.leader()
    leader.pause()
    await trio.sleep(at.random.uniform(2, 6))
    leader.resume()


async def full(at: Field, strike: Strike, place: Place) -> None:
    """NOSPACE: no write is taken. Repaired as etcd's documentation says."""
    junk = base64.b64encode(bytes(1_000_000)).decode()
    try:
        for number in range(1_000):
            await at.stage.ask("kv/put", key=coded(f"junk/{number}"), value=junk)
    except EtcdRefusedError as error:
        if "space exceeded" not in str(error):
            raise
    at.hit(strike, place)
    await trio.sleep(at.random.uniform(1, 3))
    await at.stage.delete_under("junk/")
    raised = 0

    async def repaired() -> bool:
        """A member that lagged has the junk yet to come, and would raise the alarm again: so each is looked at."""
        nonlocal raised
        await at.stage.compact()
        for member in at.stage.etcd.members:
            await in_thread(member.ask, "maintenance/defragment")
        alarms = (await at.stage.ask("maintenance/alarm", action="GET")).get("alarms", [])
        raised += len(alarms)
        for alarm in alarms:
            await at.stage.ask(
                "maintenance/alarm", action="DEACTIVATE", memberID=alarm["memberID"], alarm=alarm["alarm"]
            )
        sizes = [int((await in_thread(m.ask, "maintenance/status"))["dbSize"]) for m in at.stage.etcd.members]
        return not alarms and max(sizes) < QUOTA_BYTES // 2

    with trio.move_on_after(GIVEN_UP_S) as repairing:
        await _until(repaired, 0.5)
    if repairing.cancelled_caught:
        strike.broken.append("etcd, emptied and defragmented, is still full")
    if not raised:
        strike.broken.append("etcd was filled up, and raised no alarm")


# The network between one node and etcd


async def cut(at: Field, strike: Strike, place: Place) -> None:
    weather = place.network.weather
    await _cut(at, strike, place, weather.to_store, weather.from_store)


async def cut_towards_etcd(at: Field, strike: Strike, place: Place) -> None:
    await _cut(at, strike, place, place.network.weather.to_store)


async def cut_from_etcd(at: Field, strike: Strike, place: Place) -> None:
    await _cut(at, strike, place, place.network.weather.from_store)


async def slow(at: Field, strike: Strike, place: Place) -> None:
    weather = place.network.weather
    for way in (weather.to_store, weather.from_store):
        way.delay_s = at.random.uniform(0.2, 0.5)
    await trio.sleep(at.random.uniform(3, 5))
    weather.clear()


async def resetting(at: Field, strike: Strike, place: Place) -> None:
    for _ in range(at.random.randint(3, 10)):
        place.network.weather.reset()
        await trio.sleep(at.random.uniform(0.05, 0.6))


async def compacted_under_a_stalled_watch(at: Field, strike: Strike, place: Place) -> None:
    """What the node's watch has not seen yet is compacted away; it must read anew."""
    weather = place.network.weather
    weather.to_store.cut()
    weather.from_store.cut()
    before = at.acknowledged

    async def others_went_on() -> bool:
        return at.acknowledged >= before + 100

    await trio.sleep(at.random.uniform(0.5, 1.5))
    with trio.move_on_after(GIVEN_UP_S):
        await _until(others_went_on)
    await at.stage.compact()
    weather.reset()
    weather.clear()


FAILPOINTS = (
    Failpoint("node: kill -9", killed, alone=True),
    Failpoint("node: SIGTERM, and started again", terminated, alone=True),
    Failpoint("node: SIGSTOP beyond its lease", stopped_beyond_its_lease),
    Failpoint("node: killed, and again while it starts", killed_while_starting),
    Failpoint("node: killed while a snapshot is saved", killed_while_a_snapshot_is_saved),
    # Of two nodes that differ nobody could tell which is wrong.
    Failpoint("node: its clock an hour off", an_hour_off, alone=True),
    Failpoint("node: one of another version", of_another_version),
    Failpoint("node: its lease revoked", bereft_of_its_lease),
    Failpoint("nodes: a rolling restart", restarted_one_after_the_other, alone=True, everywhere=True),
    Failpoint("etcd: a member, kill -9", any_member_killed, alone=True, everywhere=True),
    Failpoint("etcd: the leader, kill -9", the_leader_killed, alone=True, everywhere=True),
    Failpoint("etcd: all members, kill -9", all_members_killed, alone=True, everywhere=True),
    Failpoint("etcd: the leader, SIGSTOP", the_leader_stopped, alone=True, everywhere=True),
    Failpoint("etcd: full, and repaired", full, alone=True, everywhere=True),
    Failpoint("network: cut", cut),
    Failpoint("network: cut towards etcd", cut_towards_etcd),
    Failpoint("network: cut from etcd", cut_from_etcd),
    Failpoint("network: slow", slow),
    Failpoint("network: resetting", resetting),
    Failpoint("etcd: compacted under a stalled watch", compacted_under_a_stalled_watch),
)


# Pieces


async def _restart(strike: Strike, place: Place) -> None:
    code = await in_thread(place.server.terminate)
    if code != 0:
        strike.broken.append(f"{place.name} ended with {code} after SIGTERM")
    await in_thread(place.server.start)


async def _kill_member(at: Field, member: EtcdServer) -> None:
    await in_thread(member.kill)
    await trio.sleep(at.random.uniform(0, 3))
    await in_thread(member.start)


async def _cut(at: Field, strike: Strike, place: Place, *ways: Way) -> None:
    """Cut until the node says so, and now and then until its lease is gone; then what was held back comes, or not."""
    for way in ways:
        way.cut()

    async def not_ready() -> None:
        await at.poller.until_not_ready(place.server)

    await strike.time("not ready", not_ready, strike.at, NOTICED_S)
    left_s = strike.at + LEASE_S + 1 - trio.current_time()
    await trio.sleep(max(0.5, left_s) if at.random.random() < 0.2 else at.random.uniform(0.5, 2))
    if at.random.random() < 0.5:
        place.network.weather.reset()
    place.network.weather.clear()

    async def ready() -> None:
        await at.poller.until_ready(place.server)

    await strike.time("ready again", ready, trio.current_time(), BACK_S)


async def _until(holds: Callable[[], Awaitable[bool]], look_s: float = 0.1) -> None:
    """The outside world is asked again and again: it does not tell by itself."""
    while not await holds():  # noqa: ASYNC110 - no event of ours says so
        await trio.sleep(look_s)


async def _generation(stage: Stage) -> int:
    meta = await stage.key(f"{PREFIX}/games/{GAME}/meta")
    return int(json.loads(meta["value"])["generation"]) if meta is not None else 0
