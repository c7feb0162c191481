// The order book as a ladder: asks above, bids below, depth as bars. Pressing a level fills the ticket.

import { h, rows, setAttribute, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
import { followDepth } from "./depth.js";
import { firstStep } from "./private_values.js";

/** Also gives the desk its `levels`. `fill` is called with the level that is pressed, as the ticket takes it. */
export function bookPanel(desk, fill) {
  const { game, painter } = desk;
  const asks = h("ol.asks", { "aria-label": t("book.asks") });
  const bids = h("ol.bids", { "aria-label": t("book.bids") });
  const spread = h("div.spread.num", {}, h("span"), h("span.soft"));
  const legend = h(
    "div.legend",
    { "aria-hidden": "true" },
    h("span", {}, t("common.price")),
    h("span", {}, t("common.units_head")),
    h("span", {}, t("book.sum")),
  );
  const { section } = panel(
    t("book.title"),
    { className: "book", on: "market trade", flush: true },
    legend,
    asks,
    spread,
    bids,
  );
  const paint = () => {
    const [sold, bought] = [desk.levels("asks"), desk.levels("bids")];
    const mine = new Set(
      (game.me?.orders ?? []).filter(({ good }) => good === desk.good).map(({ side, price }) => side + price),
    );
    const most = Math.max(total(sold), total(bought), 1);
    ladder(asks, sold, "ask", most, mine, true);
    ladder(bids, bought, "bid", most, mine, false);
    const [bid, ask] = [bought[0]?.[0], sold[0]?.[0]];
    setText(spread.firstChild, coins(game.state.goods[desk.good].last));
    setText(
      spread.lastChild,
      bid !== undefined && ask !== undefined
        ? t("book.spread", { spread: ask - bid })
        : bid === ask
          ? firstStep(game, desk.good)
          : t(bid === undefined ? "book.no_bid" : "book.no_ask"),
    );
  };
  function ladder(list, levels, side, most, mine, reversed) {
    let sum = 0;
    const summed = levels.map(([price, qty]) => [price, qty, (sum += qty)]);
    if (reversed) summed.reverse();
    rows(
      list,
      summed,
      () => level(side),
      (item, [price, qty, deep]) => {
        const button = item.firstChild;
        const [first, second, third, depth] = button.children;
        button.price = price;
        button.qty = deep;
        setText(first, coins(price));
        setText(second, coins(qty));
        setText(third, coins(deep));
        first.classList.toggle("mine", mine.has(side + price));
        depth.style.width = `${Math.round((deep / most) * 100)}%`;
        const label = t(side === "bid" ? "book.bid" : "book.ask", { price, count: qty });
        setAttribute(button, "aria-label", mine.has(side + price) ? t("book.yours", { label }) : label);
      },
    );
  }
  function level(side) {
    // pressing an ask means buying at it
    const press = ({ currentTarget }) =>
      fill({ buying: side === "ask", price: currentTarget.price, qty: currentTarget.qty });
    return h(
      "li",
      {},
      h("button", { type: "button", onclick: press }, h("span"), h("span"), h("span.soft"), h("span.depth")),
    );
  }
  const repaint = () => painter.mark(paint);
  const touched = ({ good }) => good === desk.good && repaint();
  followDepth(desk, section, repaint);
  game.on("book", touched);
  game.on("trade", touched);
  for (const type of ["account", "round", "reset"]) game.on(type, repaint);
  desk.onchoose(repaint);
  return section;
}

const total = (levels) => levels.reduce((sum, level) => sum + level[1], 0);
