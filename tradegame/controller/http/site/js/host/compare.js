// The debrief of several groups: prices beside each other, on one scale, and what each made of its gains.

import { h, userText } from "../common/dom.js";
import { coins, efficiency, tenths } from "../common/format.js";
import { fetchJson } from "../common/server.js";
import { differences, roundName } from "../common/terms.js";
import { t } from "../common/words.js";
import { json, game as path } from "./api.js";
import { secret } from "./debrief.js";
import { pricesOverTime } from "./plots.js";

/**
 * Fills `place` with the debriefs of `groups`, each `game, name`, round by round. `id`: their entrance. `wall`: on a
 * page of its own, which never shows what is the host's. Returns a refresh function.
 */
export function compare(id, groups, place, { wall = false } = {}) {
  let told = [];
  let chosen = null;
  let shown = "";

  async function refresh() {
    const get = (url) => (wall ? fetchJson(url.slice(1)) : json("GET", url));
    const found = await Promise.all(groups.map(({ game }) => get(path(game, "/debrief"))));
    const key = JSON.stringify(
      found.map(({ rounds }) => rounds.map((each) => [each.round, each.closed_at, each.secret])),
    );
    if (key === shown) return;
    shown = key;
    told = found.map(({ rounds }) => rounds);
    chosen = numbers().at(-1) ?? null;
    draw();
  }
  const numbers = () => [...new Set(told.flat().map(({ round }) => round))].sort((a, b) => a - b);
  function draw() {
    if (chosen === null) {
      place.replaceChildren(h("p.empty", {}, t("debrief.none")));
      return;
    }
    const tabs = numbers().map((number) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(number === chosen), onclick: () => ((chosen = number), draw()) },
        roundName(number),
      ),
    );
    const found = groups.map(({ name }, index) => ({ name, round: told[index].find(({ round }) => round === chosen) }));
    place.replaceChildren(
      h("div.tabs", { role: "group", "aria-label": t("control.rounds") }, ...tabs),
      ...report(id, found),
    );
  }
  return refresh;
}

function report(id, found) {
  const closed = found.filter(({ round }) => round !== undefined);
  const [{ round: first }] = closed;
  const goods = [...new Set(closed.flatMap(({ round }) => Object.keys(round.goods)))].filter((good) =>
    closed.some(({ round }) => round.goods[good]?.trades),
  );
  const hidden = closed.find(({ round }) => round.secret)?.round;
  return [
    ...differences(first.treatment).map((words) => h("p.different", {}, words)),
    first.practice ? h("p.different", {}, t("phases.practice")) : "",
    hidden ? secret(id, hidden) : "",
    figures(found),
    ...goods.map((good) => prices(good, closed)),
  ];
}

/** One line a group: how much was traded, at what price, and what was made of it. */
function figures(found) {
  const efficient = found.some(({ round }) => round && round.efficiency_bps !== null);
  const heads = [
    t("groups.group"),
    t("players.title"),
    t("trades.title"),
    t("groups.mean"),
    ...(efficient ? [t("debrief.efficiency"), t("debrief.gains")] : []),
  ];
  const head = (words, column) => h(column ? "th.r" : "th", { scope: "col" }, words);
  const line = ({ name, round }) => {
    const goods = Object.values(round?.goods ?? {}).filter(({ trades }) => trades);
    const [only] = goods;
    const cells = [
      round && (round.players.length || !round.secret) ? coins(round.players.length) : "–",
      round ? coins(goods.reduce((sum, { trades }) => sum + trades, 0)) : "–",
      goods.length === 1 ? tenths(Math.round((only.notional / only.volume) * 10) / 10) : "–",
    ];
    if (efficient) {
      const known = round && round.efficiency_bps !== null;
      cells.push(
        known ? efficiency(round) : "–",
        known ? t("debrief.of", { made: round.surplus, possible: round.max_surplus }) : "–",
      );
    }
    return h(
      "tr",
      {},
      h("td", { "data-head": heads[0] }, userText(name)),
      ...cells.map((cell, column) => h("td.r.num", { "data-head": heads[column + 1] }, cell)),
    );
  };
  return h(
    "div.scroll.compared",
    { tabindex: 0, role: "region", "aria-label": t("groups.compared") },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(head))), h("tbody", {}, ...found.map(line))),
  );
}

/** The prices of a good in each group, all on one scale. */
function prices(good, closed) {
  const told = closed.filter(({ round }) => round.goods[good]?.trades);
  const scale = told.flatMap(({ round: { goods } }) => {
    const { tape, equilibrium, settled } = goods[good];
    return [...tape.map(([, price]) => price), equilibrium?.low, equilibrium?.high, settled].filter(Number.isFinite);
  });
  const plot = ({ name, round }) =>
    h(
      "figure",
      {},
      h("figcaption", {}, userText(name)),
      pricesOverTime(round.goods[good], round.opened_at, round.closed_at, [], scale),
    );
  return h(
    "section",
    { "aria-label": t("debrief.of_good", { good }) },
    h("h3", {}, good),
    h("p.soft", {}, t("groups.prices")),
    h("div.plots.of-groups", {}, ...told.map(plot)),
  );
}
