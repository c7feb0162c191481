// What only this player knows: a buyer's or seller's values, and hints. On a phone it stands by the ticket.

import { h } from "../common/dom.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";

export function privatePanel({ game, painter }) {
  const { section, body } = panel(t("private.title"), { className: "private fixed", on: "trade" });
  section.hidden = true;
  const paint = () => secrets(game, section, body);
  for (const type of ["account", "book", "round", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  return section;
}

/** Shows a buyer's or seller's values, and the hints. */
function secrets(game, section, place) {
  const { me, state } = game;
  if (!me) return;
  const parts = [];
  const open = state.phase !== "closed";
  for (const [good, values] of Object.entries(open ? (me.values ?? {}) : {}))
    parts.push(...units(me, state, good, values));
  if (open && me.hints?.length) {
    parts.push(
      h("h3", {}, t("private.hints")),
      h(
        "ul",
        { "aria-label": t("private.hints_label") },
        ...me.hints.map((hint) => h("li", {}, t("private.hint", { good: hint.good, price: hint.not }))),
      ),
    );
  }
  const text =
    parts.map((part) => part.outerText ?? part.textContent).join("|") +
    state.phase +
    JSON.stringify(me.values ?? 0) +
    JSON.stringify(me.goods);
  if (place.dataset.shown === text) return;
  place.dataset.shown = text;
  section.hidden = parts.length === 0;
  place.replaceChildren(...parts);
}

function units(me, state, good, values) {
  if (!values.length) {
    const buys = me.role === "buyer";
    return [
      h("h3", {}, t(buys ? "private.you_buy" : "private.you_sell")),
      h("p", {}, t(buys ? "private.values_to_come" : "private.costs_to_come")),
    ];
  }
  const owned = me.goods[good] + me.held_goods[good];
  const { bids, asks } = state.goods[good];
  if (me.role === "buyer") {
    const next = owned < values.length ? values[owned] : null;
    const best = asks[0]?.[0];
    const hint =
      next === null
        ? t("private.bought_all")
        : best === undefined
          ? t("private.buy_for_less", { value: next })
          : best <= next
            ? t("private.would_earn", { price: best, gain: next - best })
            : t("private.ask_too_dear", { price: best, value: next });
    return [
      h("h3", {}, t("private.values")),
      list(values, (index) => (index < owned ? "done" : index === owned ? "next" : "")),
      h("p", {}, hint),
    ];
  }
  const costs = [...values].reverse();
  const sold = values.length - owned;
  const next = sold >= 0 && sold < costs.length ? costs[sold] : null;
  const best = bids[0]?.[0];
  const hint =
    next === null
      ? t("private.sold_all")
      : best === undefined
        ? t("private.sell_for_more", { value: next })
        : best >= next
          ? t("private.would_earn", { price: best, gain: best - next })
          : t("private.bid_too_low", { price: best, value: next });
  return [
    h("h3", {}, t("private.costs")),
    list(costs, (index) => (index < sold ? "done" : index === sold ? "next" : "")),
    h("p", {}, hint),
  ];
}

const list = (values, mark) =>
  h(
    "ol.units.num",
    { "aria-label": t("private.units") },
    ...values.map((value, index) => h(`li${mark(index) ? `.${mark(index)}` : ""}`, {}, coins(value))),
  );
