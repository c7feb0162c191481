"""A whole cluster on one machine: etcd members, nodes, bots and witnesses. Kill any of them and watch what happens.

``tradegame cluster`` runs it (``run``; ``plan`` is a script of faults). Everything else is a child process
(``processes``), and none outlives this one, however it ends. The witnesses (``witness``) trade all the time and compare
what they were told with what every node shows: *lost: 0, doubled: 0*. ``screen`` draws it.
"""

from tradegame.cluster.options import ClusterOptions
from tradegame.cluster.plan import PlanError, parse_plan
from tradegame.cluster.processes.etcd import EtcdMissing, etcd_binary
from tradegame.cluster.processes.stage import ClusterError
from tradegame.cluster.run import run_cluster

__all__ = ["ClusterError", "ClusterOptions", "EtcdMissing", "PlanError", "etcd_binary", "parse_plan", "run_cluster"]
