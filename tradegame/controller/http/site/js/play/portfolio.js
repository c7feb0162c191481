// What the player has, what it is worth, and how that changed.

import { h, setAttribute, setText, svg } from "../common/dom.js";
import { coins, direction, SOURCES, signed } from "../common/format.js";
import { panel } from "../common/panels.js";
import { path } from "./goods.js";

const POINTS = 300;
const EVERY_MS = 1_000;

/** What `qty` units count for; of a market by its book, as far as the book is shown. */
function marked({ mark, mark_source, bids }, qty) {
  if (mark_source !== "book") return qty * (mark ?? 0);
  let total = 0;
  for (const [price, wanted] of bids) {
    total += price * Math.min(qty, wanted);
    qty -= Math.min(qty, wanted);
  }
  return total;
}

export function portfolioPanel(desk) {
  const { game, painter } = desk;
  const worth = h("div.worth.num");
  const gain = h("span.num");
  const line = svg("path");
  const chart = svg(
    "svg.worthline",
    { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": "Worth over time" },
    line,
  );
  const facts = h("dl.facts.num");
  const history = [];

  /** The worth at the current marks. The server tells it only when the account changes. */
  function now() {
    const { me, state } = game;
    let total = me.cash + me.held_cash;
    for (const [good, fields] of Object.entries(state.goods)) {
      const owned = me.goods[good] + me.held_goods[good];
      const values = me.values?.[good];
      total += values ? values.slice(0, owned).reduce((sum, value) => sum + value, 0) : marked(fields, owned);
    }
    return total;
  }
  /** What the player began the round with, at the current marks, valued as the server does. */
  function start() {
    const { me, state } = game;
    let total = state.rules.cash;
    for (const [good, fields] of Object.entries(state.goods))
      total += marked(fields, state.rules.goods[good].endowment);
    if (me.role === "seller")
      for (const values of Object.values(me.values)) total += values.reduce((sum, value) => sum + value, 0);
    return total;
  }
  const paint = () => {
    const { me } = game;
    if (!me) return;
    const total = now();
    setText(worth, coins(total));
    const moved = me.start === null ? 0 : total - start();
    setText(gain, me.start === null ? "dealt at the opening" : `${signed(moved)} this round`);
    setAttribute(gain, "class", `num ${direction(moved)}`);
    const list = [["Cash", coins(me.cash)]];
    if (me.held_cash) list.push(["Held for bids", coins(me.held_cash)]);
    list.push(["In goods", coins(total - me.cash - me.held_cash)]);
    if (me.score) list.push(["Earned in closed rounds", signed(me.score)]);
    const { mark, mark_source } = game.state.goods[desk.good];
    if (mark_source) list.push([`${desk.good} counts for`, `${coins(mark)} (${SOURCES[mark_source] ?? mark_source})`]);
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

  for (const type of ["account", "trade", "mark"]) game.on(type, () => painter.mark(paint));
  game.on("round", ({ phase }) => phase !== "closed" && (history.length = 0));
  painter.mark(paint);
  return panel("Portfolio", { className: "portfolio fixed", on: "market" }, worth, gain, chart, facts).section;
}
