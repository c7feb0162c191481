// Over the chart: what the game is about and how to join, in the lobby; what the round came to, after the close.

import { h, userText } from "../common/dom.js";
import { coins, direction, efficiency, signed } from "../common/format.js";
import { lastRound } from "../common/last_round.js";
import { ranks } from "../common/ranks.js";

const BEST = 10;

/** Covers `plot` while the market is not open. `address` is where players join. */
export function phases(game, plot, address) {
  const cover = h("div.cover", { hidden: true, "aria-live": "polite" });
  plot.append(cover);

  async function show() {
    const { phase, about } = game.state;
    cover.hidden = phase === "open";
    if (phase === "lobby") {
      cover.replaceChildren(
        h("h3", {}, "The market opens soon"),
        about ? userText(about, "p.text") : "",
        h("p.soft", {}, "Join at"),
        h("p.address", {}, address),
      );
    } else if (phase === "closed") {
      cover.replaceChildren(h("h3", {}, "The market is closed"));
      const round = await lastRound(game);
      if (round !== null) cover.replaceChildren(...result(round));
    }
  }
  game.on("round", show);
  game.on("revealed", show);
  game.on("reset", show);
  void show();
}

function result(round) {
  const settled = Object.entries(round.goods).filter(([, { settled }]) => settled !== null);
  const rank = ranks(round.players.map(({ gain }) => gain));
  const best = round.players
    .slice(0, BEST)
    .map(({ name, gain }, index) =>
      h(
        "tr",
        {},
        h("td.r.num", {}, String(rank[index])),
        h("td", {}, h("span.clip", { dir: "auto", title: name }, name)),
        h("td.r.num", {}, h("span", { class: direction(gain) }, signed(gain))),
      ),
    );
  const heads = [
    h("th.r", { scope: "col" }, "#"),
    h("th", { scope: "col" }, "Player"),
    h("th.r", { scope: "col" }, "Gain"),
  ];
  return [
    h("h3", {}, `Round ${round.round} is over`),
    round.efficiency_bps === null ? "" : h("p", {}, `Together they made ${efficiency(round)} of the possible gains.`),
    ...settled.map(([good, fields]) => h("p", {}, `${good} was paid at ${coins(fields.settled)}.`)),
    best.length
      ? h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...best))
      : h("p", {}, round.secret ? "The gains are the host's to reveal." : "Nobody played."),
  ];
}
