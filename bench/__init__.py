"""Benchmarks: what a job costs the server's process, beside a peer that does the same job in the same sitting."""
