"""A game's code: four characters by which people find it. It follows from the game's id, so nothing keeps it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from tradegame.protocol.bounds import CODE_CHARACTERS, CODE_LENGTH


@lru_cache(4096)
def code_of(game: str) -> str:
    """The code of the game with this id, in capitals.

    Two games share one by a chance of 1 in 280 000. Who types it then chooses between them.
    """
    number, code = int.from_bytes(blake2b(game.encode(), digest_size=8).digest()), ""
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(CODE_CHARACTERS))
        code += CODE_CHARACTERS[digit]
    return code
