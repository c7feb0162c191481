// The standings, asked for every 2 s while they are seen.

import { h, rows, setAttribute, setText } from "./dom.js";
import { coins } from "./format.js";
import { askWhileSeen } from "./repeat.js";
import { robotMark } from "./robots.js";
import { recall, remember } from "./storage.js";
import { t } from "./words.js";

const EVERY_MS = 2_000;

const BY = "tradegame.standings";

/**
 * A table of at most `limit(table)` rows, 1 to 100, and a switch for the panel's head: by this round, or by all. It is
 * there once there are several rounds.
 */
export function standings(client, game, painter, { limit = () => 20 } = {}) {
  const total = h("input", { type: "checkbox", onchange: turn });
  total.checked = recall("localStorage", BY) === "total";
  const choice = h("label.by-total", {}, total, " ", t("standings.total"));
  const body = h("tbody");
  const { goods = {}, anonymous = false } = game.state.rules ?? {};
  const scored = anonymous || Object.values(goods).some((good) => good.private_values);
  // what one has in a round may be a secret: then the gains of all rounds are shown, of all who played
  const summed = () => scored || (total.checked && game.state.round > 1);
  const head = h(
    "tr",
    {},
    h("th.r", { scope: "col" }, "#"),
    h("th", { scope: "col" }, t("common.player")),
    h("th.r", { scope: "col" }, ""),
  );
  const secret = h("caption.soft", { hidden: true }, "");
  const table = h("table", {}, secret, h("thead", {}, head), body);
  let found = [];
  const make = () =>
    h("tr", {}, h("td.r.num.soft"), h("td", {}, h("span.clip", { dir: "auto" }), h("span.soft")), h("td.r.num"));
  const paint = () => {
    choice.hidden = game.state.round < 2 || scored;
    setText(head.lastChild, t(summed() ? "standings.earned" : "standings.worth"));
    const waiting = game.state.phase === "lobby" && game.state.round < 2; // nobody has earned anything yet
    const listed = found.length > 0;
    const counted = listed && found.some(({ score }) => score !== 0);
    secret.hidden = counted || !scored || waiting || !Object.keys(game.state.players).length;
    const practised = game.state.round === 0 && game.state.phase === "closed";
    setText(secret, t(!listed ? "standings.secret" : practised ? "standings.practice" : "standings.at_close"));
    rows(body, found, make, (row, { rank, player, name, worth, score, robot, stand_in }) => {
      const [first, second, third] = row.children;
      setText(first, coins(rank));
      setText(second.firstChild, name);
      setAttribute(second.firstChild, "title", name);
      setText(second.lastChild, robotMark({ robot, stand_in }));
      setText(third, coins(summed() ? score : worth));
      setAttribute(row, "class", player === client.player?.id ? "me" : "");
    });
  };
  async function ask() {
    found = await game.standings(limit(table), summed() ? "total" : "round");
    painter.mark(paint);
  }
  const inSight = () => found.length === 0 || table.offsetParent !== null;
  const refresh = askWhileSeen(client, table, EVERY_MS, ask, inSight);
  function turn() {
    remember("localStorage", BY, total.checked ? "total" : null);
    void refresh();
  }
  game.on("round", refresh);
  game.on("revealed", refresh);
  game.on("reset", refresh);
  game.on("joined", refresh);
  game.on("removed", refresh);
  game.on("seat", refresh);
  queueMicrotask(refresh); // by then it is in the document
  painter.mark(paint);
  return { table, choice };
}
