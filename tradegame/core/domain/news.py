"""Which of a game's news come in a round, and when: drawn from its chance, so that nobody knows beforehand."""

from __future__ import annotations

from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.definition import GameDefinition


def draw_news(definition: GameDefinition, chance: int, opened_at: int) -> tuple[int, list[tuple[int, int]]]:
    """The next state of chance; and the news of a round that opens at ``opened_at``, the next first.

    Each is its time, in ms, and its place in the definition's list.
    """
    left = list(range(len(definition.news)))
    coming = []
    for _ in range(definition.news_a_round or len(left)):
        place = 0
        if definition.news_a_round:
            chance, place = draw_between(chance, 0, len(left) - 1)
        number = left.pop(place)
        news, late = definition.news[number], 0
        if news.jitter_s:
            chance, late = draw_between(chance, 0, news.jitter_s * 1000)
        coming.append((opened_at + news.at_s * 1000 + late, number))
    return chance, sorted(coming)
