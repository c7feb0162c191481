"""Configuration: what can be set, where it comes from, and what is said if it is wrong."""

from tradegame.infra.config.definitions import default_games, parse_game_definition, structure_game_definition
from tradegame.infra.config.errors import ConfigError, Problem
from tradegame.infra.config.listing import list_settings
from tradegame.infra.config.loader import Loaded, load, load_settings
from tradegame.infra.config.settings import (
    LOG_FORMATS,
    LOG_LEVELS,
    AdminSettings,
    LimitSettings,
    LogSettings,
    ServerSettings,
    SessionSettings,
    Settings,
    StoreSettings,
)

__all__ = [
    "LOG_FORMATS",
    "LOG_LEVELS",
    "AdminSettings",
    "ConfigError",
    "LimitSettings",
    "Loaded",
    "LogSettings",
    "Problem",
    "ServerSettings",
    "SessionSettings",
    "Settings",
    "StoreSettings",
    "default_games",
    "list_settings",
    "load",
    "load_settings",
    "parse_game_definition",
    "structure_game_definition",
]
