"""Games to begin with, each a ``[[games]]`` table as in config.toml: read by `tradegame.infra.config.presets`."""
