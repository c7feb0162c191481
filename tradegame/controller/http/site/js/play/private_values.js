// What only this player knows: a buyer's or seller's values, and hints. On a phone it stands by the ticket.

import { h } from "../common/dom.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";

export function privatePanel({ game, painter }) {
  const { section, body } = panel("For you alone", { className: "private fixed", on: "trade" });
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
      h("h3", {}, "You alone know"),
      h(
        "ul",
        { "aria-label": "Hints" },
        ...me.hints.map((hint) => h("li", {}, `${hint.good} will not settle at ${coins(hint.not)}`)),
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
    const [deal, worth] = me.role === "buyer" ? ["buy", "are worth"] : ["sell", "cost you"];
    return [h("h3", {}, `You ${deal}`), h("p", {}, `What your units ${worth} is told when the round opens.`)];
  }
  const owned = me.goods[good] + me.held_goods[good];
  const { bids, asks } = state.goods[good];
  if (me.role === "buyer") {
    const next = owned < values.length ? values[owned] : null;
    const best = asks[0]?.[0];
    const hint =
      next === null
        ? "You have all that is worth something to you."
        : best === undefined
          ? `Your next unit is worth ${coins(next)} to you: buy for less.`
          : best <= next
            ? `At ${coins(best)} your next unit would earn you ${coins(next - best)}.`
            : `The cheapest ask, ${coins(best)}, is more than your next unit is worth: bid below ${coins(next)}.`;
    return [
      h("h3", {}, "You buy. Your units are worth"),
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
      ? "You have sold them all."
      : best === undefined
        ? `Your next unit costs you ${coins(next)}: sell for more.`
        : best >= next
          ? `At ${coins(best)} your next unit would earn you ${coins(best - next)}.`
          : `The best bid, ${coins(best)}, is less than your next unit costs: ask above ${coins(next)}.`;
  return [
    h("h3", {}, "You sell. Your units cost you"),
    list(costs, (index) => (index < sold ? "done" : index === sold ? "next" : "")),
    h("p", {}, hint),
  ];
}

const list = (values, mark) =>
  h(
    "ol.units.num",
    { "aria-label": "Your units" },
    ...values.map((value, index) => h(`li${mark(index) ? `.${mark(index)}` : ""}`, {}, coins(value))),
  );
