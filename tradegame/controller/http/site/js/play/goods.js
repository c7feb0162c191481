// Every good: last price, change, a sparkline, and how much the player has.

import { h, setAttribute, setText, svg } from "../common/dom.js";
import { coins, direction, percents } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
import { flash } from "./flash.js";

const POINTS = 40;

export function goodsPanel({ game, painter, tapes, good, choose, onchoose }) {
  const rows = new Map();
  const dirty = new Set();
  const paint = () => {
    for (const name of dirty) rows.get(name)?.paint();
    dirty.clear();
  };
  const touch = (name) => {
    dirty.add(name);
    painter.mark(paint);
  };
  const list = h(
    "ul.goods",
    {},
    ...Object.keys(game.state.goods).map((name) => {
      const row = goodRow(game, tapes, name, choose);
      rows.set(name, row);
      return row.item;
    }),
  );
  const all = () => [...rows.keys()].forEach(touch);
  const held = () => rows.forEach((row) => row.hold());
  game.on("trade", (trade) => touch(trade.good));
  game.on("account", () => painter.mark(held));
  game.on("reset", all);
  game.on("round", all);
  onchoose((chosen) => rows.forEach((row, name) => row.press(name === chosen)));
  rows.get(good).press(true);
  all();
  held();
  return panel(t("goods.title"), { className: "market", on: "market", flush: true }, list).section;
}

function goodRow(game, tapes, name, choose) {
  const price = h("div.price.num");
  const change = h("div.change.num");
  const have = h("div.have.soft");
  const line = svg("path.spark");
  const spark = svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" }, line);
  const button = h(
    "button",
    { type: "button", "aria-pressed": "false", onclick: () => choose(name) },
    h("div.name.clip", {}, name),
    spark,
    price,
    have,
    change,
  );
  // in the grid, the name and the figures have two rows
  button.replaceChildren(h("div", {}, h("div.name.clip", {}, name), have), spark, h("div.figures", {}, price, change));
  let before = null;
  return {
    item: h("li", {}, button),
    press: (on) => setAttribute(button, "aria-pressed", String(on)),
    hold() {
      const me = game.me;
      const [free, held] = me ? [me.goods[name], me.held_goods[name]] : [0, 0];
      setText(have, held ? t("goods.held", { free, held }) : free ? t("goods.have", { free }) : "");
    },
    paint() {
      const { last } = game.state.goods[name];
      setText(price, coins(last));
      if (before !== null && last !== before) flash(price, last > before ? "up-soft" : "down-soft");
      before = last;
      const moved = tapes.change(name);
      setText(change, moved === null ? "" : percents(moved));
      setAttribute(change, "class", `change num ${direction(moved ?? 0)}`);
      setAttribute(
        line,
        "d",
        path(
          thin(
            tapes.round(name).map((trade) => trade[1]),
            POINTS,
          ),
        ),
      );
      setAttribute(line, "class", `spark ${{ up: "rise", down: "fall" }[direction(moved ?? 0)] ?? ""}`);
    },
  };
}

/** At most `most` of the values, evenly spaced, with the first and the last. */
export function thin(values, most) {
  if (values.length <= most) return values;
  return Array.from({ length: most }, (_, index) => values[Math.round((index * (values.length - 1)) / (most - 1))]);
}

/** An SVG path through the values in a box of 100 by 30. */
export function path(values) {
  if (values.length < 2) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [across, up] = [100 / (values.length - 1), high > low ? 26 / (high - low) : 0];
  return values
    .map(
      (value, index) =>
        `${index ? "L" : "M"}${(index * across).toFixed(1)} ${(up ? 28 - (value - low) * up : 15).toFixed(1)}`,
    )
    .join("");
}
