"""The repositories, written once over an ordered key-value store; etcd and SQLite are two of those."""
