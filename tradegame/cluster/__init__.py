"""A whole cluster on one machine: etcd members, nodes, bots and witnesses, to be killed while one watches.

``tradegame cluster`` runs it. Everything else is a child process under one nursery (``stage``, ``child``), and none
outlives this one, whatever happens to it (``guard``). The witnesses (``witness``) trade all the time, and what they
were told is held against what every node shows (``tape``, ``ledger``, ``orders``): *lost: 0, doubled: 0*. ``screen``
draws it, ``plan`` is a script of faults, ``run`` puts it together.
"""

from tradegame.cluster.etcd import EtcdMissing, etcd_binary
from tradegame.cluster.options import ClusterOptions
from tradegame.cluster.plan import PlanError, parse_plan
from tradegame.cluster.run import run_cluster
from tradegame.cluster.stage import ClusterError

__all__ = ["ClusterError", "ClusterOptions", "EtcdMissing", "PlanError", "etcd_binary", "parse_plan", "run_cluster"]
