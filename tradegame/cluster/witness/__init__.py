"""The load and the proof: clients that trade, spectators that see every frame, and the ledger that compares the two."""
