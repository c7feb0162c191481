"""The game: a deterministic state machine fed by an ordered log.

Nothing in here awaits, reads a clock, draws from a source of chance of its own, uses floats or
depends on the order of a ``set`` or on the hash seed. Integers only: coins, whole units, ms.
"""
