"""What a client may ask: the dispatcher, and what answers each request."""
