"""What the audience sees, and the keys they press."""
