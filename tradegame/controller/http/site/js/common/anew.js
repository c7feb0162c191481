// A page that begins anew: when its game is another one under the same name, or the server has forgotten who it is.

import { ask } from "./reach.js";
import { keepTrying } from "./repeat.js";

/** Loads the page again, once its server answers: a page that is loaded while it does not is lost. */
export async function reload() {
  await keepTrying(
    () => ask("v1/games"),
    () => {},
  );
  location.reload();
}

/** A game that was deleted and made anew has other goods. */
export function beginAnew(game, painter) {
  const { epoch } = game;
  game.on("reset", () => {
    if (game.epoch === epoch) return;
    painter.halt();
    void reload();
  });
}
