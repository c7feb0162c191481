"""How a game is hosted: bounds, intervals and waits; and what a host counts."""

from __future__ import annotations

from attrs import define, frozen

from tradegame.core.games.submissions import EntryBounds

ENTRY = EntryBounds(commands=256, bytes=64 << 10, weight=512)
"""Every node applies and broadcasts an entry in one go, to every follower: so all of it stays under some 5 ms and 128
KiB. It can hold a client's largest frame many times over.
"""


@frozen
class HostSettings:
    """``command_timeout_s``: after this a command is answered ``timeout``. ``queue``: how many commands may wait here,
    ``queue_bytes``: of how many bytes. ``entry`` limits one entry.

    After ``snapshot_every`` commands and entries and ``generation_frames`` frames the generation is raised and the
    state saved; the previous generation is always kept, so that this many frames can be resumed from.
    ``tick_jitter_s``: the most that a node waits so that another may append first what is due. The invariants are
    audited every ``audit_s``. The watch of a followed game is compared with the store every ``verify_s`` (a sixth as
    often if nobody follows), and given up if it then stays silent as long again.
    """

    command_timeout_s: float = 5.0
    queue: int = 20_000
    queue_bytes: int = 16 << 20
    entry: EntryBounds = ENTRY
    snapshot_every: int = 20_000
    generation_frames: int = 1_000
    tick_jitter_s: float = 0.05
    audit_s: float = 30.0
    verify_s: float = 5.0


@define
class HostCounters:
    """Since the host began, except ``violations``: what the last audit found."""

    commands: int = 0
    entries: int = 0
    timeouts: int = 0
    unavailable: int = 0
    snapshots: int = 0
    rebuilds: int = 0
    mute_watches: int = 0
    violations: int = 0
