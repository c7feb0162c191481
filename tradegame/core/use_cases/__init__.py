"""What a node does for its clients: the dispatcher and the services it hands commands to."""
