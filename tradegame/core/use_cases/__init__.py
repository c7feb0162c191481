"""What a node does for its clients: the dispatcher, and the services to which it passes commands."""
