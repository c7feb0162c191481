// What only this player knows: a buyer's or seller's values, and hints. On a phone it stands by the ticket.

import { h } from "../common/dom.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
import { units } from "./worth.js";

export function privatePanel({ game, painter }) {
  const { section, body } = panel(t("private.title"), { className: "private fixed", on: "trade" });
  section.hidden = true;
  let shown = "";
  const paint = () => {
    if (!game.me) return;
    const parts = [...Object.keys(game.me.values ?? {}).flatMap((good) => ofUnits(game, good)), ...ofHints(game.me)];
    const text = parts.map((part) => part.outerHTML).join("");
    if (text === shown) return;
    shown = text;
    section.hidden = parts.length === 0;
    body.replaceChildren(...parts);
  };
  for (const type of ["account", "book", "round", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  return section;
}

function ofHints({ hints = [] }) {
  if (!hints.length) return [];
  const told = hints.map(({ good, not }) => h("li", {}, t("private.hint", { good, price: not })));
  return [h("h3", {}, t("private.hints")), h("ul", { "aria-label": t("private.hints_label") }, ...told)];
}

function ofUnits({ me, state }, good) {
  if (!me.role) return state.over ? [] : [h("p", {}, t("private.side_to_come"))];
  const buys = me.role === "buyer";
  const { list, done, next } = units(me, good);
  if (!list.length) {
    return [
      h("h3", {}, t(buys ? "private.you_buy" : "private.you_sell")),
      h("p", {}, t(buys ? "private.values_to_come" : "private.costs_to_come")),
    ];
  }
  const mark = (index) => (index < done ? ".done" : index === done ? ".next" : "");
  const chips = list.map((value, index) => h(`li${mark(index)}`, {}, coins(value)));
  return [
    h("h3", {}, t(buys ? "private.values" : "private.costs")),
    h("ol.units.num", { "aria-label": t("private.units") }, ...chips),
    state.phase === "closed" ? "" : h("p", {}, advice(buys, next, state.goods[good])),
  ].filter(Boolean);
}

/** What the next unit would earn, or at what price it might. */
function advice(buys, next, { bids, asks }) {
  if (next === null) return t(buys ? "private.bought_all" : "private.sold_all");
  const best = (buys ? asks : bids)[0]?.[0];
  if (best === undefined) return t(buys ? "private.buy_for_less" : "private.sell_for_more", { value: next });
  const gain = buys ? next - best : best - next;
  if (gain >= 0) return t("private.would_earn", { price: best, gain });
  return t(buys ? "private.ask_too_dear" : "private.bid_too_low", { price: best, value: next });
}

/** What to do first in a market where nothing is to be seen yet. */
export function firstStep({ me, state }, good) {
  if (state.phase !== "open") return t("chart.none");
  const value = units(me ?? {}, good)?.next ?? null;
  if (value === null) return t("first.order");
  return t(me.role === "seller" ? "first.ask" : "first.bid", { value });
}
