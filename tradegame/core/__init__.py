"""What the server does, apart from sockets, stores and files."""
