"""A node among others: who lives, who is connected where, and whether this node may trust itself."""
