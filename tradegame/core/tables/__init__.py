"""A game's log as tables, for the grades and for research: see `rows` for what they hold."""
