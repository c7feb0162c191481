"""The Autobahn|Testsuite, others' cases for WebSocket servers, against the transport. ``make autobahn``."""
