"""The WebSocket edge: transport, connection, hub, and the protocol they speak."""
