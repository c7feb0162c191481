// The player's own open orders and trades.

import { h, keyed, rows, setText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, time } from "../common/format.js";
import { nameOf } from "../common/names.js";
import { panel, tabbed } from "../common/panels.js";
import { termsOf } from "../common/terms.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { askForChange } from "./change_order.js";
import { foresee } from "./foretell.js";
import { others } from "./quote.js";
import { wantsToLose } from "./send.js";

/** Two presses so near, and so soon after one another, are a double tap. */
const [NEAR_PX, DOUBLE_MS] = [24, 500];

export function ordersPanel(desk) {
  const every = h("button.quiet", { type: "button", hidden: true }, t("orders.cancel_all"));
  const tabs = tabbed(
    [
      [t("orders.title"), openOrders(desk, every)],
      [t("orders.trades"), ownTrades(desk)],
    ],
    (chosen) => (every.parentElement.hidden = chosen !== 0),
  );
  const { section } = panel(
    t("orders.title"),
    {
      on: "orders",
      flush: true,
      scroll: true,
      end: [every],
      head: h("div", {}, h("h2.visually-hidden", {}, t("orders.title")), tabs.list),
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
    heads(
      [t("common.good"), t("orders.side"), t("common.units_head"), t("common.price")],
      h("th", { scope: "col" }, h("span.visually-hidden", {}, t("orders.cancel"))),
    ),
    body,
  );
  const empty = h("p.empty", {}, "");
  every.addEventListener("click", () => send(every, () => game.cancel_all()));

  function make() {
    const good = h("button.quiet", { type: "button", onclick: () => choose(good.textContent) });
    const change = h("button.quiet.amend", { type: "button", title: t("orders.change"), onclick: () => amend(change) });
    const cancel = h("button", { type: "button", title: t("orders.cancel") }, "✕");
    cancel.addEventListener("click", (press) => isMeant(press) && send(cancel, () => game.cancel(cancel.order)));
    const last = [h("td.r.num", {}, change), h("td.r", {}, cancel)];
    return h("tr", {}, h("td", {}, good), h("td"), h("td.r.num"), ...last);
  }
  let pressed = { timeStamp: -Infinity, clientX: 0, clientY: 0 };
  /** Not the second of a double tap: the next order has moved up under it. A press by a key is always meant. */
  function isMeant(press) {
    const [before, { timeStamp, clientX, clientY, detail: byPointer }] = [pressed, press];
    if (byPointer) pressed = press;
    const near = Math.hypot(clientX - before.clientX, clientY - before.clientY) < NEAR_PX;
    return !byPointer || !near || timeStamp - before.timeStamp > DOUBLE_MS;
  }
  /** Sends a command, and not another with the same button meanwhile. */
  async function send(button, command) {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true"); // not `disabled`, which would lose the focus
    try {
      await command();
    } catch (error) {
      if (error.code !== "unknown_order") toast(explain(error), true); // else it traded in the meantime
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }
  async function amend(button) {
    const before = button.order;
    const { order, good, side } = before;
    const change = await askForChange(before);
    if (!Object.keys(change).length) return;
    const gain = gainOf(game, { ...before, ...change }, before.qty);
    if (gain < 0 && !(await wantsToLose(-gain))) return;
    await send(button, async () => {
      const { filled } = await game.amend(order, change);
      if (filled) toast(t(side === "bid" ? "ticket.bought" : "ticket.sold", { qty: filled, good }));
    });
  }
  const paint = () => {
    const orders = game.me?.orders ?? [];
    empty.hidden = orders.length > 0;
    setText(empty, t(game.state.phase === "closed" ? "orders.ended" : "orders.none"));
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
        setText(second, t(side === "bid" ? "side.bid" : "side.ask"));
        second.className = side === "bid" ? "up" : "down";
        setText(third, coins(qty));
        const [change, cancel] = [fourth.firstChild, fifth.firstChild];
        setText(change, coins(price));
        change.order = { order, good, side, qty, price };
        cancel.order = order;
        const bid = side === "bid";
        change.setAttribute("aria-label", t(bid ? "orders.change_bid" : "orders.change_ask", { qty, good, price }));
        cancel.setAttribute("aria-label", t(bid ? "orders.cancel_bid" : "orders.cancel_ask", { qty, good, price }));
      },
    );
  };
  for (const type of ["account", "round", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  return [empty, table];
}

/** What a changed order would gain, as the ticket foresees it. An ask's units, `held` until now, are free for it. */
function gainOf({ me, state }, { good, side, qty, price }, held) {
  const buying = side === "bid";
  const own = me.orders.filter((each) => each.good === good && each.side !== side);
  const levels = others(state.goods[good][buying ? "asks" : "bids"], own);
  const { bps, buyerTax, sellerTax } = termsOf(state, good);
  const freed = {
    ...me,
    goods: { ...me.goods, [good]: me.goods[good] + held },
    held_goods: { ...me.held_goods, [good]: me.held_goods[good] - held },
  };
  const changed = { good, buying, resting: true, qty, limit: price };
  return foresee(changed, levels, buying ? me : freed, bps, buying ? buyerTax : sellerTax).gain;
}

/** Tells the player that a resting order was taken. */
function tell(taken) {
  for (const good of new Set(taken.map((fill) => fill.good))) {
    for (const order of ["bid", "ask"]) {
      const fills = taken.filter((fill) => fill.good === good && fill.side === order);
      if (!fills.length) continue;
      const qty = fills.reduce((sum, fill) => sum + fill.qty, 0);
      const worth = fills.reduce((sum, fill) => sum + fill.qty * fill.price, 0);
      toast(t(order === "bid" ? "orders.bid_taken" : "orders.ask_taken", { qty, good, worth: coins(worth) }));
    }
  }
}

/** The player's own trades, newest first. */
function ownTrades({ game, painter, own }) {
  const { trades } = own;
  const body = h("tbody");
  const table = h(
    "table",
    {},
    heads(["common.good", "orders.with", "common.units_head", "common.price", "common.time"].map((head) => t(head))),
    body,
  );
  const empty = h("p.empty", {}, t("orders.no_trades"));
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
      setText(what, t(bought ? "orders.bought" : "orders.sold", { good }));
      what.className = bought ? "up" : "down";
      setText(party.firstChild, other === undefined ? "–" : nameOf(game, other));
      setText(count, coins(qty));
      setText(paid, coins(price));
      setText(when, time(at));
    });
  };
  own.onadd((fresh, when) => {
    painter.mark(paint);
    if (when === "now") tell(fresh.filter(({ maker }) => maker));
  });
  painter.mark(paint);
  return [empty, table];
}
