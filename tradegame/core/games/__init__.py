"""A game's life on a node: it follows its log, appends to it, and shows what it is."""
