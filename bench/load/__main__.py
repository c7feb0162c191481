"""``python -m bench.load``: loads a server, and prints as JSON what that cost the server's process.

The server's limits (commands_per_s, burst, connections_per_address) must be raised, and the game's cash be ample.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
from typing import Any

from bench.load.closed import buy, say
from bench.load.connection import Crowd
from bench.load.meter import Meter, rss_kib
from bench.load.open_loop import neighbours, open_loop
from bench.load.visits import visits

SETTLES_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("pid", type=int, help="of the server")
    parser.add_argument("job", choices=["say", "buy", "idle", "open", "neighbours", "visits"])
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--window", type=int, default=1, help="buy: how many each client has under way")
    parser.add_argument("--pace", type=float, default=5, help="open: commands a second each")
    parser.add_argument("--onlookers", type=int, default=0, help="more clients, who only look on")
    parser.add_argument("--deaf", action="store_true", help="neighbours: they read nothing")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    crowd, before = Crowd(asked.port), rss_kib(asked.pid)
    if asked.job == "neighbours":
        neighbours(crowd, asked.clients, asked.pace, deaf=asked.deaf)
    traders = crowd.connect(asked.clients)
    onlookers = crowd.connect(asked.onlookers, spectate=True)
    crowd.drain(SETTLES_S)
    gc.disable()  # nothing here is in a cycle
    out: dict[str, Any] = {"job": asked.job}
    if len(crowd):
        out["kib_per_connection"] = round((rss_kib(asked.pid) - before) / len(crowd), 1)
    match asked.job:
        case "say":
            out |= say(crowd, traders, asked.pid, asked.seconds)
        case "buy":
            out |= buy(crowd, traders, asked.pid, asked.seconds, asked.window)
        case "open":
            out |= open_loop(crowd, traders, onlookers, asked.pid, asked.seconds, asked.pace)
        case "visits":
            out |= visits(crowd, asked.seconds)
        case _:  # they answer pings, and that is all
            meter = Meter(asked.pid)
            crowd.drain(asked.seconds)
            out["cpu_percent"] = meter.cpu_percent()
    print(json.dumps(out))


if __name__ == "__main__":
    main()
