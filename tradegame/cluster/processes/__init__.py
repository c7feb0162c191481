"""The child processes: etcd members, nodes and bots; how each is started, watched, killed, and never left behind."""
