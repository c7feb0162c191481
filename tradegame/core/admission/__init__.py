"""Who may ask how much: budgets, and how they shrink while the node is overloaded."""
