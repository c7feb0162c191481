// What only this player knows: a buyer's or seller's values, and hints. On a phone it stands by the ticket.

import { h } from "../common/dom.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";
import { termsOf } from "../common/terms.js";
import { t } from "../common/words.js";
import { fee, others } from "./quote.js";
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

function ofUnits(game, good) {
  const { me, state } = game;
  if (!me.role) return state.over ? [] : [h("p", {}, t("private.side_to_come"))];
  const buys = me.role === "buyer";
  const { list, done, next } = units(me, good);
  if (!list.length || state.phase === "lobby") {
    // those of the round before are dealt anew, or shifted, when the next one opens
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
    state.phase === "closed" ? "" : h("p", {}, advice(game, good, next)),
  ].filter(Boolean);
}

/** What the next unit would earn, or at what price it might. */
export function advice({ me, state }, good, next) {
  const buys = me.role === "buyer";
  if (next === null) return t(buys ? "private.bought_all" : "private.sold_all");
  const limit = evenAt(state, good, buys, next);
  const own = (me.orders ?? []).filter((order) => order.good === good && order.side === (buys ? "ask" : "bid"));
  const best = others(state.goods[good][buys ? "asks" : "bids"], own)[0]?.[0];
  if (best === undefined) return t(buys ? "private.buy_for_less" : "private.sell_for_more", { value: next, limit });
  const gain = (buys ? limit - best : best - limit) - fee(best, termsOf(state, good).bps);
  if (gain >= 0) return t("private.would_earn", { price: best, gain });
  return t(buys ? "private.ask_too_dear" : "private.bid_too_low", { price: best, limit });
}

/** The price at which an order for a unit that is worth so much would neither win nor lose, with the round's tax. */
function evenAt(state, good, buys, value) {
  const { buyerTax, sellerTax } = termsOf(state, good);
  return buys ? value - buyerTax : value + sellerTax;
}

/** What to do first in a market where nothing is to be seen yet. */
export function firstStep({ me, state }, good) {
  const { last = null, bids, asks } = state.goods[good];
  if (state.phase !== "open") return last === null ? t("chart.none") : "";
  const value = units(me ?? {}, good)?.next ?? null;
  if (value === null) return t(bids.length || asks.length ? "chart.none" : "first.order");
  const buys = me.role !== "seller";
  if ((buys ? bids : asks).length) return t("chart.none");
  const limit = evenAt(state, good, buys, value);
  return limit > 1 ? t(buys ? "first.bid" : "first.ask", { value: limit }) : t("chart.none");
}
