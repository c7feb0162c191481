"""What cannot be undercut: the system calls, or the one call to a store, that a job needs at least."""
