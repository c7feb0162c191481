"""What others have made, that does the same job: Colyseus, and the books of three packages."""
