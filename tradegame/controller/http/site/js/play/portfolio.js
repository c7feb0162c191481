// What the player has, what it is worth, how that changed, and what trading each good has made.

import { h, rows, setAttribute, setText, svg } from "../common/dom.js";
import { average, coins, direction, signed } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
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
    { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": t("portfolio.line") },
    line,
  );
  const facts = h("dl.facts.num");
  const body = h("tbody");
  const heads = [
    h("th", { scope: "col" }, t("common.good")),
    h("th", { scope: "col" }, t("portfolio.average")),
    h("th.r", { scope: "col" }, t("common.gain")),
  ];
  const positions = h(
    "div.positions",
    { tabindex: 0, role: "group", "aria-label": t("portfolio.gains"), hidden: true },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body),
  );
  const history = [];

  /** What `qty` units of a good are worth to the player, at the current marks. */
  function value(good, qty) {
    const values = game.me.values?.[good];
    return values ? values.slice(0, qty).reduce((sum, each) => sum + each, 0) : marked(game.state.goods[good], qty);
  }
  /** The worth at the current marks. The server tells it only when the account changes. */
  function now() {
    const { me, state } = game;
    return Object.keys(state.goods).reduce(
      (sum, good) => sum + value(good, me.goods[good] + me.held_goods[good]),
      me.cash + me.held_cash,
    );
  }
  /** What trading each good has made in this round, at the current marks, valued as the server does. */
  function gains() {
    const { me, state } = game;
    return Object.entries(me.positions ?? {}).map(([good, position]) => {
      const values = me.values?.[good];
      const given = values ? (me.role === "seller" ? values.length : 0) : state.rules.goods[good].endowment;
      const { bought, cost, sold, proceeds, fees } = position;
      const made = value(good, given + bought - sold) - value(good, given) + proceeds - cost - fees;
      return { ...position, good, gain: made };
    });
  }
  const paint = () => {
    const { me } = game;
    if (!me) return;
    const total = now();
    setText(worth, coins(total));
    const made = gains();
    const moved = made.reduce((sum, each) => sum + each.gain, 0);
    setText(gain, me.start === null ? t("portfolio.undealt") : t("portfolio.gain", { gain: signed(moved) }));
    setAttribute(gain, "class", `num ${direction(moved)}`);
    list(made);
    const told = [[t("portfolio.cash"), coins(me.cash)]];
    if (me.held_cash) told.push([t("portfolio.held"), coins(me.held_cash)]);
    told.push([t("portfolio.goods"), coins(total - me.cash - me.held_cash)]);
    if (me.score) told.push([t("portfolio.score"), signed(me.score)]);
    const { mark, mark_source } = game.state.goods[desk.good];
    if (mark_source)
      told.push([t("portfolio.mark", { good: desk.good }), `${coins(mark)} (${t(`source.${mark_source}`)})`]);
    while (facts.children.length > told.length * 2) facts.lastElementChild.remove();
    told.forEach(([name, value], index) => {
      if (facts.children.length <= index * 2) facts.append(h("dt"), h("dd"));
      setText(facts.children[index * 2], name);
      setText(facts.children[index * 2 + 1], value);
    });
  };
  const make = () => h("tr", {}, h("td.text"), h("td", {}, h("div"), h("div")), h("td.r.num"));
  function list(made) {
    positions.hidden = made.length === 0;
    rows(body, made, make, (row, { good, bought, average_bought, sold, average_sold, gain: each }) => {
      const [name, prices, gained] = row.children;
      setText(name, good);
      setText(prices.firstChild, bought ? t("portfolio.bought", { qty: bought, price: average(average_bought) }) : "");
      setText(prices.lastChild, sold ? t("portfolio.sold", { qty: sold, price: average(average_sold) }) : "");
      setText(gained, signed(each));
      setAttribute(gained, "class", `r num ${direction(each)}`);
    });
  }
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
  return panel(
    t("portfolio.title"),
    { className: "portfolio fixed", on: "market" },
    worth,
    gain,
    chart,
    facts,
    positions,
  ).section;
}
