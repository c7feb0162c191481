// What one has, what it is worth, and how that went; private values and hints, where the game has them.

import { h, panel, setAttribute, setText, svg } from "../common/dom.js";
import { coins, direction, signed } from "../common/format.js";
import { path } from "./goods.js";

const POINTS = 300;
const EVERY_MS = 1_000;

export function portfolioPanel(desk) {
  const { game, painter } = desk;
  const worth = h("div.worth.num");
  const gain = h("span.num");
  const line = svg("path");
  const chart = svg("svg.worthline", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": "Worth over time" }, line);
  const facts = h("dl.facts.num");
  const secret = h("div");
  const history = [];

  /** By the prices of this moment: the server tells it only when the account itself changes. */
  function now() {
    const { me, state } = game;
    let total = me.cash + me.held_cash;
    for (const [good, { last }] of Object.entries(state.goods)) {
      const owned = me.goods[good] + me.held_goods[good];
      const values = me.values?.[good];
      total += values ? values.slice(0, owned).reduce((sum, value) => sum + value, 0) : owned * (last ?? 0);
    }
    return total;
  }
  const paint = () => {
    const { me } = game;
    if (!me) return;
    const total = now();
    setText(worth, coins(total));
    const moved = total - (me.start ?? total);
    setText(gain, `${signed(moved)} this round`);
    setAttribute(gain, "class", `num ${direction(moved)}`);
    const list = [["Cash", coins(me.cash)]];
    if (me.held_cash) list.push(["Held for bids", coins(me.held_cash)]);
    list.push(["In goods", coins(total - me.cash - me.held_cash)]);
    if (me.score) list.push(["Earned in closed rounds", signed(me.score)]);
    while (facts.children.length > list.length * 2) facts.lastElementChild.remove();
    list.forEach(([name, value], index) => {
      if (facts.children.length <= index * 2) facts.append(h("dt"), h("dd"));
      setText(facts.children[index * 2], name);
      setText(facts.children[index * 2 + 1], value);
    });
  };
  const draw = () => setAttribute(line, "d", path(history));
  setInterval(() => {
    if (!game.me) return;
    history.push(now());
    if (history.length > POINTS) history.shift();
    if (document.visibilityState === "visible") {
      painter.mark(draw);
      painter.mark(paint);
    }
  }, EVERY_MS);

  const privately = () => secrets(game, secret);
  for (const type of ["account", "book", "round", "reset"]) game.on(type, () => painter.mark(privately));
  game.on("account", () => painter.mark(paint));
  game.on("trade", () => painter.mark(paint));
  game.on("round", ({ phase }) => phase !== "closed" && (history.length = 0));
  painter.mark(paint);
  painter.mark(privately);
  return panel("Portfolio", { className: "portfolio fixed", on: "market" }, worth, gain, chart, secret, facts).section;
}

/** The units' values of a buyer or seller; what the pit's players were told. */
function secrets(game, place) {
  const { me, state } = game;
  if (!me) return;
  const parts = [];
  const open = state.phase !== "closed";
  for (const [good, values] of Object.entries(open ? (me.values ?? {}) : {})) parts.push(...units(me, state, good, values));
  if (open && me.hints?.length) {
    parts.push(h("h3", {}, "You alone know"), h("ul", { "aria-label": "Hints" }, ...me.hints.map((hint) => h("li", {}, `${hint.good} will not settle at ${coins(hint.not)}`))));
  }
  for (const [good, value] of Object.entries(state.settled ?? {})) parts.push(h("p", {}, h("strong", {}, `${good} settled at ${coins(value)}`)));
  const text = parts.map((part) => part.outerText ?? part.textContent).join("|") + state.phase + JSON.stringify(me.values ?? 0) + JSON.stringify(me.goods);
  if (place.dataset.shown === text) return;
  place.dataset.shown = text;
  place.replaceChildren(...parts);
}

function units(me, state, good, values) {
  const owned = me.goods[good] + me.held_goods[good];
  const { bids, asks } = state.goods[good];
  if (me.role === "buyer") {
    const next = owned < values.length ? values[owned] : null;
    const best = asks[0]?.[0];
    const hint = next === null ? "You have all that is worth something to you." : best === undefined ? `Your next unit is worth ${coins(next)} to you: buy for less.` : best <= next ? `At ${coins(best)} your next unit would earn you ${coins(next - best)}.` : `The cheapest ask, ${coins(best)}, is more than your next unit is worth: bid below ${coins(next)}.`;
    return [h("h3", {}, "You buy. Your units are worth"), list(values, (index) => (index < owned ? "done" : index === owned ? "next" : "")), h("p", {}, hint)];
  }
  const costs = [...values].reverse();
  const sold = values.length - owned;
  const next = sold >= 0 && sold < costs.length ? costs[sold] : null;
  const best = bids[0]?.[0];
  const hint = next === null ? "You have sold them all." : best === undefined ? `Your next unit costs you ${coins(next)}: sell for more.` : best >= next ? `At ${coins(best)} your next unit would earn you ${coins(best - next)}.` : `The best bid, ${coins(best)}, is less than your next unit costs: ask above ${coins(next)}.`;
  return [h("h3", {}, "You sell. Your units cost you"), list(costs, (index) => (index < sold ? "done" : index === sold ? "next" : "")), h("p", {}, hint)];
}

const list = (values, mark) => h("ol.units.num", { "aria-label": "Your units" }, ...values.map((value, index) => h(`li${mark(index) ? `.${mark(index)}` : ""}`, {}, coins(value))));
