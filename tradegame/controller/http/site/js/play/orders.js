// One's own open orders, each with its cancel.

import { h, panel, rows, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { toast } from "../common/toast.js";

export function ordersPanel({ game, painter, choose }) {
  const body = h("tbody");
  const heads = ["Good", "Side", "Units", "Price"].map((title, index) => h(index > 1 ? "th.r" : "th", { scope: "col" }, title));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, h("span.visually-hidden", {}, "Cancel")))), body);
  const empty = h("p.empty", {}, "No open orders. Press a price in the book, or rest one with “Order”.");
  const every = h("button.quiet", { type: "button", onclick: all }, "Cancel all");

  function make() {
    const good = h("button.quiet", { type: "button", onclick: () => choose(good.textContent) });
    const cancel = h("button", { type: "button" }, "Cancel");
    cancel.addEventListener("click", () => withdraw(cancel.order, cancel));
    return h("tr", {}, h("td", {}, good), h("td"), h("td.r.num"), h("td.r.num"), h("td.r", {}, cancel));
  }
  async function withdraw(order, button) {
    button.disabled = true;
    try {
      await game.cancel(order);
    } catch (error) {
      if (error.code !== "unknown_order") toast(error.message, true); // it traded in the meantime
    } finally {
      button.disabled = false;
    }
  }
  async function all() {
    every.disabled = true;
    for (const { order } of [...game.me.orders]) await withdraw(order, every);
    every.disabled = game.me.orders.length === 0;
  }
  const paint = () => {
    const orders = game.me?.orders ?? [];
    empty.hidden = orders.length > 0;
    table.hidden = orders.length === 0;
    every.hidden = orders.length < 2;
    rows(body, orders, make, (row, { order, good, side, qty, price }) => {
      const [first, second, third, fourth, fifth] = row.children;
      setText(first.firstChild, good);
      setText(second, side);
      second.className = side === "bid" ? "up" : "down";
      setText(third, coins(qty));
      setText(fourth, coins(price));
      const cancel = fifth.firstChild;
      cancel.order = order;
      cancel.setAttribute("aria-label", `Cancel ${side} of ${qty} ${good} at ${price}`);
    });
  };
  game.on("account", () => painter.mark(paint));
  painter.mark(paint);
  const { section, body: scroll } = panel("Your orders", { on: "orders", flush: true, end: [every] }, empty, table);
  scroll.tabIndex = 0;
  return section;
}
