"""The process behind ``tests.support.process``: ``python -m tests.support.node ORDER`` serves until SIGTERM.

ORDER is JSON: ``flags`` as the command line gives them, and ``host``, the fields of HostSettings, which nobody but
a test has a reason to set. One line of JSON on stdout says where it serves; stderr is the log, JSON too.
"""

from __future__ import annotations

import json
import signal
import sys

import trio

from tradegame.app import Running, serve
from tradegame.core.use_cases.game_host import HostSettings
from tradegame.infra.config import load_settings
from tradegame.utils.logging import configure_logging


def main() -> None:
    order = json.loads(sys.argv[1])
    settings = load_settings(None, {}, order["flags"])
    configure_logging(settings.log.level, "json")

    async def run() -> None:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:

                async def serve_to_the_end(*, task_status: trio.TaskStatus[Running]) -> None:
                    await serve(settings, host_settings=HostSettings(**order["host"]), task_status=task_status)
                    nursery.cancel_scope.cancel()

                running = await nursery.start(serve_to_the_end)
                place = {"node": running.node, "url": running.websocket_url, "http": running.http_url.rstrip("/")}
                print(json.dumps(place), flush=True)
                async for _ in signals:
                    running.stop()

    trio.run(run)


if __name__ == "__main__":
    main()
