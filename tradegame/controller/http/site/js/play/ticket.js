// The order ticket: buy or sell now, or rest an order. It says what it would cost before one presses.

import { h, panel, setText } from "../common/dom.js";
import { coins, units } from "../common/format.js";
import { toast } from "../common/toast.js";
import { affordable, walk } from "./quote.js";

export function ticketPanel(desk) {
  const { game, painter } = desk;
  const radio = (name, value, label, checked, kind = "") => h(`label${kind}`, {}, h("input", { type: "radio", name, value, checked }), label);
  const sides = h("fieldset.choice", {}, h("legend.visually-hidden", {}, "Side"), radio("side", "buy", "Buy", true, ".buy"), radio("side", "sell", "Sell", false, ".sell"));
  const kinds = h("fieldset.choice", {}, h("legend.visually-hidden", {}, "How"), radio("kind", "now", "Now", true), radio("kind", "rest", "Order", false));
  const qty = h("input", { type: "number", id: "qty", min: 1, max: 1_000_000, step: 1, value: 1, inputmode: "numeric", required: true });
  const price = h("input", { type: "number", id: "price", min: 1, max: 1_000_000_000, step: 1, inputmode: "numeric", "aria-describedby": "cost" });
  const priceLabel = h("span", {}, "Limit");
  const cost = h("output", { id: "cost", for: "qty price" });
  const submit = h("button.big.buy", { type: "submit" }, "Buy");
  const shares = h("div.shares", { role: "group", "aria-label": "Share of what is possible" }, ...[25, 50, 75, 100].map((share) => h("button", { type: "button", onclick: () => take(share) }, `${share} %`)));
  const form = h("form", { onsubmit: press, oninput: () => painter.mark(paint), novalidate: true }, h("div.pair", {}, sides, kinds), h("div.pair", {}, h("label", { for: "qty" }, "Quantity", qty), h("label", { for: "price" }, priceLabel, price)), shares, cost, submit);

  const value = (name) => form.elements[name].value;
  const buying = () => value("side") === "buy";
  const resting = () => value("kind") === "rest";
  const number = (input) => (/^\d+$/.test(input.value) && Number(input.value) >= 1 ? Number(input.value) : null);
  const bps = () => game.state.rules?.fee_bps ?? 0;
  const levels = () => game.state.goods[desk.good][buying() ? "asks" : "bids"];

  /** What is possible at most: by cash, or by goods. */
  function most() {
    const me = game.me;
    if (!buying()) return me.goods[desk.good];
    if (resting()) return number(price) ? Math.floor(me.cash / (number(price) * (1 + bps() / 10_000))) : 0;
    return affordable(levels(), me.cash, number(price), bps());
  }

  function take(share) {
    qty.value = String(Math.max(1, Math.floor((most() * share) / 100)));
    painter.mark(paint);
  }

  const paint = () => {
    const [buy, rest] = [buying(), resting()];
    setText(priceLabel, rest ? "Price" : "Limit (optional)");
    price.required = rest;
    price.placeholder = rest ? String(game.state.goods[desk.good].last ?? "") : "any";
    submit.className = `big ${buy ? "buy" : "sell"}`;
    setText(submit, rest ? (buy ? "Place bid" : "Place ask") : buy ? "Buy" : "Sell");
    const closed = game.state.phase !== "open";
    submit.disabled = closed;
    setText(cost, closed ? `The market is ${game.state.phase === "lobby" ? "not open yet" : "closed"}.` : foretell(buy, rest));
  };

  function foretell(buy, rest) {
    const [wanted, limit, me] = [number(qty), number(price), game.me];
    if (wanted === null) return "How many units? A whole number, 1 or more.";
    if (rest && limit === null) return "At what price? A whole number of coins.";
    const { filled, left, cost: paid, fees } = walk(levels(), wanted, limit, buy, bps());
    const words = [];
    if (filled) words.push(`${buy ? "Costs" : "Brings"} about ${coins(buy ? paid + fees : paid - fees)} coins for ${units(filled, desk.good)}${fees ? ` (fee ${coins(fees)})` : ""}.`);
    if (left && rest) words.push(`${units(left, desk.good)} would rest at ${coins(limit)}, holding ${buy ? `${coins(left * limit)} coins` : `${coins(left)} units`}.`);
    else if (left) words.push(filled ? `Only ${coins(filled)} are ${buy ? "offered" : "wanted"}${limit === null ? " in sight" : " within the limit"}.` : `Nobody ${buy ? "sells" : "buys"}${limit === null ? "" : " within the limit"} right now.`);
    const needed = buy ? paid + fees + (rest ? left * limit : 0) : 0;
    if (buy && needed > me.cash) words.push(`You have ${coins(me.cash)}.`);
    if (!buy && wanted > me.goods[desk.good]) words.push(`You have ${units(me.goods[desk.good], desk.good)}.`);
    return words.join(" ");
  }

  async function press(event) {
    event.preventDefault();
    const [good, wanted, limit, buy, rest] = [desk.good, number(qty), number(price), buying(), resting()];
    if (wanted === null || (rest && limit === null)) {
      (wanted === null ? qty : price).focus();
      toast(foretell(buy, rest), true);
      return;
    }
    const within = limit === null ? {} : { limit };
    try {
      if (rest) {
        const { filled, resting: left } = await game.order(good, buy ? "bid" : "ask", wanted, limit);
        toast([filled ? `${buy ? "Bought" : "Sold"} ${units(filled, good)}.` : "", left ? `${units(left, good)} rest at ${coins(limit)}.` : ""].join(" ").trim());
      } else if (buy) {
        const { filled, cost: paid, fee } = await game.buy(good, wanted, within);
        toast(`Bought ${units(filled, good)} for ${coins(paid + fee)} coins.${filled < wanted ? " More was not to be had." : ""}`);
      } else {
        const { filled, proceeds, fee } = await game.sell(good, wanted, within);
        toast(`Sold ${units(filled, good)} for ${coins(proceeds - fee)} coins.${filled < wanted ? " Nobody wanted more." : ""}`);
      }
    } catch (error) {
      toast(error.definite === false ? `Not known whether it happened: ${error.message}` : error.message, true);
    }
  }

  // who has units to sell begins with selling; where no house quotes, somebody has to make a price
  if (game.me.role === "seller") form.elements.side.value = "sell";
  if (game.state.rules?.goods[desk.good].house === false) form.elements.kind.value = "rest";
  for (const type of ["book", "account", "round", "reset"]) game.on(type, () => painter.mark(paint));
  desk.onchoose(() => painter.mark(paint));
  painter.mark(paint);
  const { section } = panel("Ticket", { className: "ticket fixed", on: "trade" }, form);
  return {
    section,
    fill({ buying: buy, price: at, qty: some }) {
      form.elements.side.value = buy ? "buy" : "sell";
      price.value = String(at);
      if (some !== undefined) qty.value = String(Math.max(1, buy ? Math.min(some, affordable([[at, some]], game.me.cash, null, bps())) : Math.min(some, game.me.goods[desk.good] || some)));
      painter.mark(paint);
    },
    side(buy) {
      form.elements.side.value = buy ? "buy" : "sell";
      painter.mark(paint);
      qty.focus();
      qty.select();
    },
  };
}
