"""What the Python client has for each event of the protocol."""

from __future__ import annotations

from typing import get_args

from tradegame import client
from tradegame.client import events
from tradegame.protocol import tag_of
from tradegame.protocol.pushes import EVENTS


def test_each_event_of_the_protocol_has_its_class() -> None:
    assert {tag_of(event) for event in get_args(events.PublicEvent)} == set(EVENTS)


def test_each_event_can_be_imported_from_the_client() -> None:
    names = {event.__name__ for event in get_args(client.Event)}
    assert names <= set(client.__all__)
