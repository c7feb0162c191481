// What the player has, what it is worth, how that changed, and what trading each good has made.

import { h, rows, setAttribute, setText, svg } from "../common/dom.js";
import { average, coins, direction, signed } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
import { path } from "./goods.js";
import { gained, gains, worth } from "./worth.js";

const POINTS = 300;
const EVERY_MS = 1_000;

export function portfolioPanel(desk) {
  const { game, painter } = desk;
  const total = h("div.worth.num");
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

  const paint = () => {
    const { me } = game;
    if (!me) return;
    const all = worth(game);
    setText(total, coins(all));
    const moved = gained(game);
    setText(gain, me.start === null ? t("portfolio.undealt") : t("portfolio.gain", { gain: signed(moved) }));
    setAttribute(gain, "class", `num ${direction(moved)}`);
    list(gains(game));
    const told = [[t("portfolio.cash"), coins(me.cash)]];
    if (me.held_cash) told.push([t("portfolio.held"), coins(me.held_cash)]);
    told.push([t("portfolio.goods"), coins(all - me.cash - me.held_cash)]);
    if (me.score) told.push([t("portfolio.score"), signed(me.score)]);
    const { mark, mark_source } = game.state.goods[desk.good];
    if (mark_source)
      told.push([t("portfolio.mark", { good: desk.good }), `${coins(mark)} (${t(`source.${mark_source}`)})`]);
    define(facts, told);
  };
  const make = () => h("tr", {}, h("td.text"), h("td", {}, h("div"), h("div")), h("td.r.num"));
  function list(made) {
    positions.hidden = made.length === 0;
    rows(body, made, make, (row, { good, bought, average_bought, sold, average_sold, gain: each }) => {
      const [name, prices, made] = row.children;
      setText(name, good);
      setText(prices.firstChild, bought ? t("portfolio.bought", { qty: bought, price: average(average_bought) }) : "");
      setText(prices.lastChild, sold ? t("portfolio.sold", { qty: sold, price: average(average_sold) }) : "");
      setText(made, signed(each));
      setAttribute(made, "class", `r num ${direction(each)}`);
    });
  }
  const draw = () => setAttribute(line, "d", path(history));
  setInterval(() => {
    if (!game.me) return;
    history.push(worth(game));
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
    total,
    gain,
    chart,
    facts,
    positions,
  ).section;
}

/** Fills a `dl` with `[term, text, class of the text]`. */
export function define(list, told) {
  rows(
    list,
    told,
    () => h("div", {}, h("dt"), h("dd")),
    ({ firstChild: term, lastChild: text }, [name, words, kind = ""]) => {
      setText(term, name);
      setText(text, words);
      setAttribute(text, "class", `num ${kind}`);
    },
  );
}
