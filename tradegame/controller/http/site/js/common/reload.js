// Reloading the page, once the server answers.

import { keepTrying } from "./repeat.js";
import { fetchJson } from "./server.js";

/** Reloads the page as soon as the server answers. Before that, a reload would leave an error page. */
export async function reload() {
  await keepTrying(
    () => fetchJson("v1/games"),
    () => {},
  );
  location.reload();
}

/** Reloads if the game was deleted and created again: it may have other goods. */
export function reloadOnNewEpoch(game, painter) {
  const { epoch } = game;
  game.on("reset", () => {
    if (game.epoch === epoch) return;
    painter.halt();
    void reload();
  });
}
