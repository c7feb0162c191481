"""A server's threads get their turn soon, and a test's process is as it was before."""

from __future__ import annotations

import sys

import pytest

from tests.support.server import ServerThread
from tradegame.utils.switching import SWITCH_S, quick_switching


def test_afterwards_it_is_as_before() -> None:
    before = sys.getswitchinterval()
    with quick_switching():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == before


def test_a_server_in_a_process_of_its_own_switches_soon() -> None:
    before = sys.getswitchinterval()
    with ServerThread("memory:", own_process=True):
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == before
