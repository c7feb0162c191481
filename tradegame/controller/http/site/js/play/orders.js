// The player's own open orders and trades.

import { h, keyed, rows, setText } from "../common/dom.js";
import { coins, time, units } from "../common/format.js";
import { nameOf } from "../common/names.js";
import { panel, tabbed } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { askForChange } from "./change_order.js";

export function ordersPanel(desk) {
  const every = h("button.quiet", { type: "button", hidden: true }, "Cancel all");
  const tabs = tabbed(
    [
      ["Open", openOrders(desk, every)],
      ["Trades", ownTrades(desk)],
    ],
    (chosen) => (every.parentElement.hidden = chosen !== "Open"),
  );
  const { section } = panel(
    "Your orders",
    {
      on: "orders",
      flush: true,
      scroll: true,
      end: [every],
      head: h("div.row", {}, h("h2", {}, "Your orders"), tabs.list),
    },
    ...tabs.panels,
  );
  return section;
}

const heads = (titles, last) =>
  h(
    "thead",
    {},
    h("tr", {}, ...titles.map((title, index) => h(index > 1 ? "th.r" : "th", { scope: "col" }, title)), last),
  );

function openOrders({ game, painter, choose }, every) {
  const body = h("tbody");
  const table = h(
    "table",
    {},
    heads(["Good", "Side", "Units", "Price"], h("th", { scope: "col" }, h("span.visually-hidden", {}, "Cancel"))),
    body,
  );
  const empty = h("p.empty", {}, "No open orders. Press a price in the book, or rest one with “Order”.");
  every.addEventListener("click", () => send(every, () => game.cancel_all()));

  function make() {
    const good = h("button.quiet", { type: "button", onclick: () => choose(good.textContent) });
    const change = h("button.quiet.amend", { type: "button", title: "Change", onclick: () => amend(change) });
    const cancel = h("button", { type: "button" }, "Cancel");
    cancel.addEventListener("click", () => send(cancel, () => game.cancel(cancel.order)));
    const last = [h("td.r.num", {}, change), h("td.r", {}, cancel)];
    return h("tr", {}, h("td", {}, good), h("td"), h("td.r.num"), ...last);
  }
  /** Sends a command, and not another with the same button meanwhile. */
  async function send(button, command) {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true"); // not `disabled`, which would lose the focus
    try {
      await command();
    } catch (error) {
      if (error.code !== "unknown_order") toast(error.message, true); // else it traded in the meantime
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }
  async function amend(button) {
    const { order, good, side } = button.order;
    const change = await askForChange(button.order);
    if (!Object.keys(change).length) return;
    await send(button, async () => {
      const { filled } = await game.amend(order, change);
      if (filled) toast(`${side === "bid" ? "Bought" : "Sold"} ${units(filled, good)}.`);
    });
  }
  const paint = () => {
    const orders = game.me?.orders ?? [];
    empty.hidden = orders.length > 0;
    table.hidden = orders.length === 0;
    every.hidden = orders.length < 2;
    keyed(
      body,
      orders,
      ({ order }) => order,
      make,
      (row, { order, good, side, qty, price }) => {
        const [first, second, third, fourth, fifth] = row.children;
        setText(first.firstChild, good);
        setText(second, side);
        second.className = side === "bid" ? "up" : "down";
        setText(third, coins(qty));
        const [change, cancel] = [fourth.firstChild, fifth.firstChild];
        setText(change, coins(price));
        change.order = { order, good, side, qty, price };
        cancel.order = order;
        const which = `${side} of ${qty} ${good} at ${price}`;
        change.setAttribute("aria-label", `Change ${which}`);
        cancel.setAttribute("aria-label", `Cancel ${which}`);
      },
    );
  };
  game.on("account", () => painter.mark(paint));
  painter.mark(paint);
  return [empty, table];
}

/** Tells the player that a resting order was taken. */
function tell(taken) {
  for (const good of new Set(taken.map((fill) => fill.good))) {
    for (const order of ["bid", "ask"]) {
      const fills = taken.filter((fill) => fill.good === good && fill.side === order);
      if (!fills.length) continue;
      const qty = fills.reduce((sum, fill) => sum + fill.qty, 0);
      const worth = fills.reduce((sum, fill) => sum + fill.qty * fill.price, 0);
      const done = order === "bid" ? "bought" : "sold";
      toast(`Your ${order} was taken: ${done} ${units(qty, good)} for ${coins(worth)} coins.`);
    }
  }
}

/** The player's own trades, newest first. */
function ownTrades({ game, painter, own }) {
  const { trades } = own;
  const body = h("tbody");
  const table = h("table", {}, heads(["Good", "With", "Units", "Price", "Time"]), body);
  const empty = h("p.empty", {}, "No trade of yours in this round.");
  const make = () =>
    h(
      "tr",
      {},
      h("td"),
      h("td", {}, h("span.clip", { dir: "auto" })),
      h("td.r.num"),
      h("td.r.num"),
      h("td.r.num.soft"),
    );
  const paint = () => {
    empty.hidden = trades.length > 0;
    table.hidden = trades.length === 0;
    rows(body, trades, make, (row, { good, side, price, qty, other, at }) => {
      const [what, party, count, paid, when] = row.children;
      const bought = side === "bid";
      setText(what, `${bought ? "bought" : "sold"} ${good}`);
      what.className = bought ? "up" : "down";
      setText(party.firstChild, other === undefined ? "–" : nameOf(game, other));
      setText(count, coins(qty));
      setText(paid, coins(price));
      setText(when, time(at));
    });
  };
  own.onadd((fresh, now) => {
    painter.mark(paint);
    if (now) tell(fresh.filter(({ maker }) => maker));
  });
  painter.mark(paint);
  return [empty, table];
}
