// Names of players, by their ids.

import { t } from "./words.js";

export function nameOf(game, player) {
  if (player === "house") return t("names.house");
  if (player === "host") return t("names.host");
  return game.state.players[player]?.name ?? t("names.somebody");
}
