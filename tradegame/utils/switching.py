"""How soon another thread gets the interpreter beside a busy event loop.

By default a thread that wants the interpreter waits 5 ms before it asks for it. A busy loop gives it up for a moment
whenever it polls its sockets, every millisecond or so, and takes it back before the other thread has woken. gRPC's
threads starve: beside a loop that never rests, writes to etcd took up to 28 s; with this interval, 28 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_S = 0.0005
"""Less than a loop works between two polls."""


@contextmanager
def quick_switching() -> Iterator[None]:
    """For a process that serves and does nothing else. Restores the interval afterwards."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
