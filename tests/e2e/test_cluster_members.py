"""A member of ``tradegame cluster`` that is started again after its data was deleted."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import trio

from tests.e2e.test_cluster import START_DEADLINE_S
from tradegame.cluster import ClusterOptions, EtcdMissing, etcd_binary, parse_plan
from tradegame.cluster.log import Log
from tradegame.cluster.processes.child import Shared
from tradegame.cluster.processes.http import ask
from tradegame.cluster.processes.reaper import open_reaper
from tradegame.cluster.processes.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")


@pytest.fixture(scope="module", autouse=True)
def _etcd() -> None:
    try:
        etcd_binary()
    except EtcdMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
async def test_a_member_that_is_revived_without_its_data_is_let_in_anew_and_stays_a_member(
    tmp_path: Path,
) -> None:
    async with open_reaper() as reaper, trio.open_nursery() as processes:
        stage = Stage(ClusterOptions(nodes=1), Shared(tmp_path, Log(), reaper), processes)
        kill, revive = parse_plan("1 kill c; 2 revive c", 1, 3)
        with trio.fail_after(START_DEADLINE_S):
            await stage.start()
            *others, lost = stage.members
            for loses in (True, False):
                await stage.do(kill)
                if loses:
                    shutil.rmtree(lost.place.data)
                await stage.do(revive)
                while not await lost.is_led():
                    assert lost.alive, lost.last_words
                    await trio.sleep(0.05)
            _, body = await ask(others[0].place.client_port, "/v3/cluster/member/list", deadline_s=5.0, body=b"{}")
            assert sorted(each["name"] for each in json.loads(body)["members"]) == ["etcd-a", "etcd-b", "etcd-c"]
            assert sum("readmit it" in line.text for line in stage.log.lines) == 1
            assert [member.ended_by_itself for member in stage.members] == [0, 0, 0]
            await stage.end()
        processes.cancel_scope.cancel()
