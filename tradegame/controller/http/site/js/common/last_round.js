// The public result of the last round.

import { keepTrying } from "./repeat.js";
import { fetchJson } from "./server.js";

const GONE = 404;

/** The last round's result, retried until it arrives; null if the game is deleted or open again by then. */
export function lastRound(game) {
  return keepTrying(
    async () => {
      if (game.state.phase !== "closed") return null;
      try {
        const { rounds } = await fetchJson(`v1/games/${encodeURIComponent(game.id)}/debrief`);
        return game.state.phase === "closed" ? (rounds.at(-1) ?? null) : null;
      } catch (error) {
        if (error.status === GONE) return null;
        throw error;
      }
    },
    () => {}, // the connection's status shows the problem
  );
}
