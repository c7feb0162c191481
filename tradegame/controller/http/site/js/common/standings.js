// The standings, asked for every 2 s.

import { h, rows, setAttribute, setText } from "./dom.js";
import { coins } from "./format.js";
import { whileShown } from "./repeat.js";
import { t } from "./words.js";

const EVERY_MS = 2_000;

/** A table of at most `limit(table)` rows, 1 to 100. */
export function standingsTable(client, game, painter, { limit = () => 20 } = {}) {
  const body = h("tbody");
  const { goods = {}, anonymous = false } = game.state.rules ?? {};
  const scored = anonymous || Object.values(goods).some((good) => good.private_values);
  const head = h(
    "tr",
    {},
    h("th.r", { scope: "col" }, "#"),
    h("th", { scope: "col" }, t("common.player")),
    h("th.r", { scope: "col" }, t(scored ? "standings.earned" : "standings.worth")),
  );
  const secret = h("caption.soft", { hidden: true }, t("standings.secret"));
  const table = h("table", {}, secret, h("thead", {}, head), body);
  let found = [];
  const make = () => h("tr", {}, h("td.r.num.soft"), h("td", {}, h("span.clip", { dir: "auto" })), h("td.r.num"));
  const paint = () => {
    secret.hidden = found.length > 0 || !scored || !Object.keys(game.state.players).length;
    rows(body, found, make, (row, { rank, player, name, worth }) => {
      const [first, second, third] = row.children;
      setText(first, coins(rank));
      setText(second.firstChild, name);
      setAttribute(second.firstChild, "title", name);
      setText(third, coins(worth));
      setAttribute(row, "class", player === client.player?.id ? "me" : "");
    });
  };
  let asking = false;
  async function refresh() {
    if (asking || client.connection.state !== "live" || document.visibilityState === "hidden") return;
    asking = true;
    try {
      found = await game.standings(limit(table));
      painter.mark(paint);
    } catch {
      // asked again soon
    } finally {
      asking = false;
    }
  }
  whileShown(table, EVERY_MS, refresh);
  game.on("round", refresh);
  game.on("revealed", refresh);
  game.on("reset", refresh);
  game.on("joined", refresh);
  game.on("removed", refresh);
  queueMicrotask(refresh); // by then it is in the document
  return table;
}
