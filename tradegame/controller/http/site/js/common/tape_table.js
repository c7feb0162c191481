// A table of the last trades, newest first.

import { h, rows, setAttribute, setText } from "./dom.js";
import { coins, direction, time } from "./format.js";
import { t } from "./words.js";

/** The trades with their good, and which way the price went: up or down from the trade before it, "" if neither. */
function directed(trades) {
  const before = new Map();
  return trades.map(([at, price, qty, , good]) => {
    const way = direction(price - (before.get(good) ?? price));
    before.set(good, price);
    return [at, price, qty, good, way];
  });
}

/** Trades of the good that `good()` returns, or of all goods if `good` is null; at most `most` rows. */
export function tapeTable(game, tapes, painter, { good = null, most = 40 } = {}) {
  const body = h("tbody");
  const heads = [
    good === null ? h("th", { scope: "col" }, t("common.good")) : null,
    h("th.r", { scope: "col" }, t("common.price")),
    h("th.r", { scope: "col" }, t("common.units_head")),
    h("th.r", { scope: "col" }, t("common.time")),
  ];
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body);
  const all = [];

  function make() {
    const cells = [h("td.r.num"), h("td.r.num"), h("td.r.num.soft")];
    return h("tr", {}, good === null ? h("td") : null, ...cells);
  }
  const paint = () => {
    const found = good === null ? all : tapes.of(good());
    const shown = directed(found.slice(-4 * most))
      .slice(-most)
      .reverse();
    rows(body, shown, make, (row, [at, price, qty, which, way]) => {
      const cells = [...row.children];
      if (good === null) setText(cells.shift(), which);
      setText(cells[0], coins(price));
      setAttribute(cells[0], "class", `r num ${way}`);
      setText(cells[1], coins(qty));
      setText(cells[2], time(at));
    });
  };
  function reset() {
    all.length = 0;
    for (const name of Object.keys(game.state.goods)) {
      for (const [at, price, qty, taker] of tapes.of(name).slice(-most)) all.push([at, price, qty, taker, name]);
    }
    all.sort((one, other) => one[0] - other[0]);
    painter.mark(paint);
  }
  game.on("trade", (trade, frame) => {
    if (good === null) {
      all.push([frame.at, trade.price, trade.qty, trade.taker, trade.good]);
      if (all.length > most * 4) all.splice(0, all.length - most);
    }
    painter.mark(paint);
  });
  game.on("reset", reset);
  reset();
  return { table, paint };
}
