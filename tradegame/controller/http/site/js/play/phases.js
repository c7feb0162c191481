// Over the chart: what the game is about, in the lobby; what the round came to, after the close.

import { h, userText } from "../common/dom.js";
import { coins, direction, efficiency, signed } from "../common/format.js";
import { lastRound } from "../common/last_round.js";
import { ranks } from "../common/ranks.js";

export function phases({ client, game }, plot) {
  const overlay = h("div.overlay", { hidden: true });
  plot.append(overlay);

  async function show() {
    const { phase, about } = game.state;
    overlay.hidden = phase === "open";
    if (phase === "lobby") {
      const text = about ? userText(about, "p.text") : null;
      overlay.replaceChildren(h("div", {}, h("h3", {}, "The market opens soon"), text));
    } else if (phase === "closed") {
      overlay.replaceChildren(h("div", {}, h("h3", {}, "The market is closed")));
      const round = await lastRound(game);
      if (round !== null) overlay.replaceChildren(result(client, game, round));
    }
  }
  game.on("round", show);
  game.on("revealed", show);
  game.on("reset", show);
  void show();
  return overlay;
}

function result(client, game, round) {
  if (round.secret) {
    const { worth, start } = game.me;
    return h(
      "div",
      {},
      h("h3", {}, `Round ${round.round} is over`),
      h("p", {}, `You earned ${signed(worth - start)} coins. What the others earned is the host's to reveal.`),
    );
  }
  const place = round.players.findIndex(({ player }) => player === client.player.id);
  const mine = round.players[place];
  const rank = ranks(round.players.map(({ gain }) => gain));
  const settled = Object.entries(game.state.settled ?? {}).map(([good, value]) =>
    h("p", {}, `${good} was paid at ${coins(value)}.`),
  );
  const best = round.players
    .slice(0, 5)
    .map(({ player, name, gain }, index) =>
      h(
        player === client.player.id ? "tr.me" : "tr",
        {},
        h("td.r.num", {}, String(rank[index])),
        h("td", {}, userText(name)),
        h("td.r.num", {}, h("span", { class: direction(gain) }, signed(gain))),
      ),
    );
  return h(
    "div",
    {},
    h("h3", {}, `Round ${round.round} is over`),
    mine
      ? h("p", {}, `You earned ${signed(mine.gain)} coins and came ${rank[place]} of ${round.players.length}.`)
      : null,
    round.efficiency_bps === null ? null : h("p", {}, `Together you made ${efficiency(round)} of the possible gains.`),
    ...settled,
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th.r", { scope: "col" }, "#"),
          h("th", { scope: "col" }, "Player"),
          h("th.r", { scope: "col" }, "Gain"),
        ),
      ),
      h("tbody", {}, ...best),
    ),
  );
}
