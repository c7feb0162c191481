// The order ticket: buy or sell now, or place an order. It shows beforehand what that would cost.

import { BOUNDS } from "../client/vocabulary.js";
import { h, rows, setAttribute, setText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, percent } from "../common/format.js";
import { panel } from "../common/panels.js";
import { differences, termsOf } from "../common/terms.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { affordable, limitFor, met, others, valued, walk } from "./quote.js";

const SENDING_MS = 300;

const sentences = (...all) => all.filter(Boolean).join(" ");

export function ticketPanel(desk) {
  const { game, painter } = desk;
  const radio = (name, value, label, checked, kind = "") =>
    h(`label${kind}`, {}, h("input", { type: "radio", name, value, checked }), label);
  const sides = h(
    "fieldset.choice",
    {},
    h("legend.visually-hidden", {}, t("orders.side")),
    radio("side", "buy", t("ticket.buy"), true, ".buy"),
    radio("side", "sell", t("ticket.sell"), false, ".sell"),
  );
  const kinds = h(
    "fieldset.choice",
    {},
    h("legend.visually-hidden", {}, t("ticket.kind")),
    radio("kind", "now", t("ticket.market"), true),
    radio("kind", "rest", t("ticket.limit"), false),
  );
  const qty = h("input", {
    type: "number",
    id: "qty",
    min: 1,
    max: BOUNDS.qty,
    step: 1,
    value: 1,
    inputmode: "numeric",
    required: true,
    "aria-describedby": "cost",
  });
  const price = h("input", {
    type: "number",
    id: "price",
    min: 1,
    max: BOUNDS.price,
    step: 1,
    inputmode: "numeric",
    "aria-describedby": "cost",
  });
  const priceLabel = h("span", {}, t("ticket.worst"));
  // not live: screen readers would read it at every move of the market
  const cost = h("output", { id: "cost", for: "qty price", "aria-live": "off" });
  const submit = h("button.big.buy", { type: "submit", "aria-describedby": "cost" }, t("ticket.buy"));
  const shares = h(
    "div.shares",
    { role: "group", "aria-label": t("ticket.shares") },
    ...[25, 50, 75, 100].map((share) =>
      h("button", { type: "button", onclick: () => take(share) }, percent(share / 100)),
    ),
  );
  const different = h("p.different", { hidden: true }, "");
  const form = h(
    "form",
    { onsubmit: press, oninput: changed, novalidate: true },
    h("div.pair", {}, sides, kinds),
    h(
      "div.pair",
      {},
      h("label", { for: "qty" }, t("common.quantity"), qty),
      h("label", { for: "price" }, priceLabel, price),
    ),
    shares,
    different,
    cost,
    submit,
  );
  let sending = null;
  let typed = false; // whether the limit is the player's own; else the page fills it in as the market moves

  function changed({ target }) {
    if (target === price) typed = true;
    // a price of another kind, or for the other side, is no limit
    else if (!resting() && (target.name === "kind" || target.name === "side")) typed = false;
    painter.mark(paint);
  }
  const value = (name) => form.elements[name].value;
  const buying = () => value("side") === "buy";
  const resting = () => value("kind") === "rest";
  const terms = () => termsOf(game.state, desk.good);
  const bps = () => terms().bps;
  const tax = () => terms()[buying() ? "buyerTax" : "sellerTax"];
  const own = () =>
    game.me.orders.filter(({ good, side }) => good === desk.good && side === (buying() ? "ask" : "bid"));
  const levels = () => others(game.state.goods[desk.good][buying() ? "asks" : "bids"], own());

  /** The whole number in a field; null if it is empty, undefined if it is invalid. */
  function number(input) {
    if (input.value === "" && !input.validity.badInput) return null;
    const found = /^\d+$/.test(input.value) ? Number(input.value) : 0;
    return found >= 1 && found <= BOUNDS[input.id] ? found : undefined;
  }

  /** The player's own limit; null if there is none. */
  const wanted = () => (typed || resting() ? number(price) : null);

  /** The limit to fill in: a little beyond the expected worst price. */
  function filledIn() {
    const { worst } = walk(levels(), number(qty) || 1, null, buying(), bps());
    const from = worst ?? game.state.goods[desk.good].last;
    return from === null ? "" : String(Math.min(BOUNDS.price, limitFor(from, buying())));
  }

  /** The invalid field and what is wrong with it, or null. */
  function wrong() {
    const [some, limit] = [number(qty), number(price)];
    if (!some) return [qty, t("ticket.how_many", { most: BOUNDS.qty })];
    if (limit === null && resting()) return [price, t("ticket.what_price")];
    const bounds = resting() ? "ticket.price_bounds" : "ticket.worst_bounds";
    if (limit === undefined) return [price, t(bounds, { most: BOUNDS.price })];
    const { floor, ceiling } = terms();
    if (resting() && ceiling !== null && limit > ceiling) return [price, t("ticket.ceiling", { price: ceiling })];
    if (resting() && floor !== null && limit < floor) return [price, t("ticket.floor", { price: floor })];
    return null;
  }

  /** The most units that the player's cash or goods allow. */
  function most() {
    const me = game.me;
    if (!buying()) return me.goods[desk.good];
    const limit = wanted();
    if (limit === undefined || (limit === null && resting())) return 0;
    return affordable(levels(), me.cash, limit, bps(), resting(), tax());
  }

  function take(share) {
    qty.value = String(Math.min(BOUNDS.qty, Math.max(1, Math.floor((most() * share) / 100))));
    painter.mark(paint);
  }

  const paint = () => {
    const [buy, rest] = [buying(), resting()];
    if (!typed && rest) price.value = "";
    else if (!typed && document.activeElement !== price) price.value = filledIn();
    const kind = !typed ? "ticket.worst_filled_in" : price.value === "" ? "ticket.worst_none" : "ticket.worst";
    setText(priceLabel, t(rest ? "ticket.limit_price" : kind));
    price.required = rest;
    price.placeholder = rest ? coins(game.state.goods[desk.good].last) : t("ticket.any");
    submit.className = `big ${buy ? "buy" : "sell"}`;
    const label = rest ? (buy ? "ticket.place_bid" : "ticket.place_ask") : buy ? "ticket.buy" : "ticket.sell";
    setText(submit, t(sending === "slow" ? "ticket.sending" : label));
    const { phase, paused_at: pausedAt } = game.state;
    const closed = phase !== "open" || pausedAt !== undefined;
    submit.disabled = closed;
    setAttribute(submit, "aria-disabled", sending !== null && "true");
    const problem = wrong();
    for (const input of [qty, price])
      setAttribute(input, "aria-invalid", problem?.[0] === input && input.value !== "" && "true");
    setText(
      cost,
      closed
        ? t(phase === "open" ? "ticket.paused" : phase === "lobby" ? "ticket.not_open" : "ticket.closed")
        : problem
          ? problem[1]
          : foretell(buy, rest),
    );
    const told = differences(game.state.treatment, desk.good).join(" ");
    different.hidden = told === "";
    setText(different, told);
    head();
  };

  function foretell(buy, rest) {
    const [some, limit, me, good] = [number(qty), wanted(), game.me, desk.good];
    const free = me.goods[good];
    if (!buy && !free) return t("ticket.no_goods", { good });
    const words = !buy && some > free ? [t("ticket.few_goods", { qty: free, good })] : [];
    if (words.length && rest) return words[0];
    const found = walk(levels(), buy ? some : Math.min(some, free), limit, buy, bps(), tax());
    const { filled, left, cost: paid, fees } = found;
    if (filled) {
      const about = { total: coins(buy ? paid + fees : paid - fees), qty: filled, good, fee: coins(fees) };
      if (fees) words.push(t(buy ? "ticket.costs_with_fee" : "ticket.brings_with_fee", about));
      else words.push(t(buy ? "ticket.costs" : "ticket.brings", about));
    }
    if (left && rest) {
      const rests = { qty: left, good, price: limit, held: coins(left * (limit + tax())), count: left };
      words.push(t(buy ? "ticket.would_rest_bid" : "ticket.would_rest_ask", rests));
    } else if (left) {
      const within = limit !== null;
      if (filled && within) words.push(t(buy ? "ticket.few_sell_within" : "ticket.few_buy_within", { count: filled }));
      else if (filled) words.push(t(buy ? "ticket.few_sell" : "ticket.few_buy", { count: filled }));
      else if (within) words.push(t(buy ? "ticket.nobody_sells_within" : "ticket.nobody_buys_within"));
      else words.push(t(buy ? "ticket.nobody_sells" : "ticket.nobody_buys"));
    }
    if (filled && !rest && !typed && price.value)
      words.push(t(buy ? "ticket.not_above" : "ticket.not_below", { price: Number(price.value) }));
    if (filled || rest)
      for (const { side, qty: count, price: at } of met(own(), found, limit, buy))
        words.push(t(side === "bid" ? "ticket.cancels_bid" : "ticket.cancels_ask", { qty: count, price: at }));
    const needed = buy ? paid + fees + (rest ? left * (limit + tax()) : 0) : 0;
    if (needed > me.cash) words.push(t("ticket.cash", { cash: coins(me.cash) }));
    const traded = rest ? some : filled;
    if (me.values?.[good] && traded) {
      const gain =
        (valued(me.values[good], free + me.held_goods[good], traded, buy) - paid - (rest ? left * limit : 0)) *
          (buy ? 1 : -1) -
        fees -
        (rest ? left * tax() : 0);
      words.push(t(gain < 0 ? "ticket.would_lose" : "ticket.would_earn", { gain: coins(Math.abs(gain)) }));
    }
    return words.join(" ");
  }

  async function press(event) {
    event.preventDefault();
    const problem = wrong();
    if (problem) {
      problem[0].focus();
      toast(problem[1], true);
      return;
    }
    if (sending !== null || submit.disabled) return;
    sending = "sent";
    const slow = setTimeout(() => {
      sending = "slow";
      painter.mark(paint);
    }, SENDING_MS);
    painter.mark(paint);
    try {
      toast(await send(desk.good, number(qty), number(price), buying(), resting()));
    } catch (error) {
      const reason = explain(error);
      toast(error.definite === false ? t("ticket.in_doubt", { reason }) : reason, true);
    } finally {
      clearTimeout(slow);
      sending = null;
      painter.mark(paint);
    }
  }

  /** Sends the command. Resolves with what it did, for people. */
  async function send(good, some, limit, buy, rest) {
    if (rest) {
      const { filled, resting: left, replayed } = await game.order(good, buy ? "bid" : "ask", some, limit);
      return sentences(
        replayed && t("ticket.happened"),
        filled && t(buy ? "ticket.bought" : "ticket.sold", { qty: filled, good }),
        left && t("ticket.rests", { qty: left, good, price: limit }),
      );
    }
    const options = limit === null ? {} : { limit };
    if (buy) {
      const { filled, cost: paid, fee, replayed } = await game.buy(good, some, options);
      return sentences(
        replayed && t("ticket.happened"),
        t("ticket.bought_for", { qty: filled, good, total: coins(paid + fee) }),
        filled < some && t("ticket.nobody_offered_more"),
      );
    }
    const { filled, proceeds, fee, replayed } = await game.sell(good, some, options);
    return sentences(
      replayed && t("ticket.happened"),
      t("ticket.sold_for", { qty: filled, good, total: coins(proceeds - fee) }),
      filled < some && t("ticket.nobody_wanted_more"),
    );
  }

  // On a phone the goods are on another tab, so the good can be chosen here too.
  const chosen = h("select", { "aria-label": t("common.good"), onchange: () => desk.choose(chosen.value) });
  const last = h("span.num", {}, "");
  rows(
    chosen,
    Object.keys(game.state.goods),
    () => h("option"),
    (option, good) => setText(option, good),
  );
  function head() {
    if (chosen.value !== desk.good) chosen.value = desk.good;
    setText(last, coins(game.state.goods[desk.good].last));
  }

  let role;
  /** A seller starts with selling, once a round has dealt the side. */
  function takeSide() {
    if (game.me.role === role) return;
    role = game.me.role;
    form.elements.side.value = role === "seller" ? "sell" : "buy";
  }
  takeSide();
  for (const type of ["account", "reset"]) game.on(type, takeSide);
  // without a house, somebody has to make a price
  if (game.state.rules?.goods[desk.good].house === false) form.elements.kind.value = "rest";
  for (const type of ["book", "account", "round", "clock", "reset", "trade"]) game.on(type, () => painter.mark(paint));
  desk.onchoose(() => {
    typed = false; // a price of another good
    if (resting()) price.value = "";
    painter.mark(paint);
  });
  painter.mark(paint);
  const { section } = panel(t("ticket.title"), { className: "ticket fixed", on: "trade", end: [chosen, last] }, form);
  return {
    section,
    fill({ buying: buy, price: at, qty: some }) {
      // a resting order keeps its chosen side; a level can only be taken from the other side
      if (!resting()) form.elements.side.value = buy ? "buy" : "sell";
      price.value = String(at);
      typed = true;
      if (qty.value === "")
        qty.value = String(
          Math.max(
            1,
            buy
              ? Math.min(some, affordable([[at, some]], game.me.cash, null, bps(), false, terms().buyerTax))
              : Math.min(some, game.me.goods[desk.good] || some),
          ),
        );
      painter.mark(paint);
    },
    side(buy) {
      form.elements.side.value = buy ? "buy" : "sell";
      if (!resting()) typed = false;
      painter.mark(paint);
      qty.focus();
      qty.select();
    },
  };
}
