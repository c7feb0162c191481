"""The composition root: builds a node, and runs it for as long as it is to serve."""

from tradegame.app.lifetimes import serve, wall_clock_ms
from tradegame.app.node import Node
from tradegame.app.process import run
from tradegame.app.running import Running

__all__ = ["Node", "Running", "run", "serve", "wall_clock_ms"]
