"""The clients of a benchmark: they load a server over ``tradegame.v1`` and say what it cost its process.

Nothing of ours is imported, so that a client costs as little as can be. ``python -m bench.load --help``.
"""
