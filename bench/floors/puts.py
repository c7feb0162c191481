"""``python -m bench.floors.puts HOST:PORT SECONDS``: how long a bare put takes that waits for its answer, as JSON.

By etcd3's blocking client as it comes: on protobuf's pure Python where the installed protobuf is newer than its stubs
allow, since it cannot be imported otherwise.
"""

from __future__ import annotations

import json
import os
import sys
import time

from bench.load.meter import percentile

os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

import etcd3

VALUE = b"x" * 200
"""About an entry of one command."""


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    client = etcd3.client(host, int(port))
    latencies: list[float] = []
    end = time.monotonic() + float(sys.argv[2])
    while (begun := time.monotonic()) < end:
        client.put(f"floor/{len(latencies)}", VALUE)
        latencies.append(time.monotonic() - begun)
    latencies = sorted(latencies[len(latencies) // 10 :])  # the first ones connect
    print(json.dumps({"p50_ms": round(percentile(latencies, 50) * 1e3, 3)}))


if __name__ == "__main__":
    main()
