// Names of players: the game knows ids.

export function nameOf(game, player) {
  if (player === "house") return "the house";
  return game.state.players[player]?.name ?? "somebody";
}
