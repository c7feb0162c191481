// Names of players, by their ids.

export function nameOf(game, player) {
  if (player === "house") return "the house";
  return game.state.players[player]?.name ?? "somebody";
}
