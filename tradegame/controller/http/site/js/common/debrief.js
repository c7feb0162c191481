// What a closed round came to, as everybody may see it.

import { ask } from "./reach.js";
import { keepTrying } from "./repeat.js";

const GONE = 404;

/** The last round's result, asked for until it comes; null if `game` is gone or open again by then. */
export function lastRound(game) {
  return keepTrying(
    async () => {
      if (game.state.phase !== "closed") return null;
      try {
        const { rounds } = await ask(`v1/games/${encodeURIComponent(game.id)}/debrief`);
        return game.state.phase === "closed" ? (rounds.at(-1) ?? null) : null;
      } catch (error) {
        if (error.status === GONE) return null;
        throw error;
      }
    },
    () => {}, // the connection's state says what is in the way
  );
}
