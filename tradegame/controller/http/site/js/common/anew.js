// A game that was deleted and made anew under the same name is another game, with other goods: the page begins anew, too.

export function beginAnew(game, painter) {
  const { epoch } = game;
  game.on("reset", () => {
    if (game.epoch === epoch) return;
    painter.halt();
    location.reload();
  });
}
