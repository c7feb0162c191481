// What an order would do, before it is sent.

import { average, coins } from "../common/format.js";
import { t } from "../common/words.js";
import { met, valued, walk } from "./quote.js";

/**
 * `order`: `{good, buying, resting, qty, limit}`, the limit null for none; `levels` are others', `own` the player's
 * orders on the other side, `tax` coins a unit. The walk through the levels, what the order would `hold`, and what it
 * would `gain` by the player's own values, null without any or if nothing comes of it.
 */
export function foresee({ good, buying, resting, qty, limit }, levels, me, bps, tax) {
  const free = me.goods[good];
  const some = buying ? qty : Math.min(qty, free);
  const found = walk(levels, some, limit, buying, bps, tax);
  const rests = resting ? found.left : 0;
  const held = buying ? rests * (limit + tax) : rests;
  const traded = found.filled + rests;
  const values = me.values?.[good];
  let gain = null;
  if (values && traded) {
    const worth = valued(values, free + me.held_goods[good], traded, buying);
    const paid = found.cost + rests * (limit ?? 0);
    gain = (buying ? worth - paid : paid - worth) - found.fees - rests * tax;
  }
  return { ...found, some, free, rests, held, gain };
}

/** The same in words, but for the loss. `hint`: the limit that the page has filled in, else null. */
export function foretell(order, seen, own, me, hint) {
  const { good, buying, resting, limit } = order;
  const { filled, left, cost, fees, worst, some, free, rests, held } = seen;
  if (!buying && !free) return t(me.held_goods[good] ? "ticket.goods_held" : "ticket.no_goods", { good });
  const words = some < order.qty ? [t("ticket.few_goods", { qty: free, good })] : [];
  if (words.length && resting) return words[0];
  if (filled) {
    const about = { total: coins(buying ? cost + fees : cost - fees), qty: filled, good, fee: coins(fees) };
    if (fees) words.push(t(buying ? "ticket.costs_with_fee" : "ticket.brings_with_fee", about));
    else words.push(t(buying ? "ticket.costs" : "ticket.brings", about));
    words.push(
      cost === worst * filled
        ? t("ticket.each_at", { price: worst })
        : t("ticket.on_average", { average: average(Math.round((100 * cost) / filled)), worst }),
    );
  }
  if (rests) {
    const told = { qty: rests, good, price: limit, held: coins(held), count: rests };
    words.push(t(buying ? "ticket.would_rest_bid" : "ticket.would_rest_ask", told));
  } else if (left) {
    const within = limit !== null;
    if (filled && within) words.push(t(buying ? "ticket.few_sell_within" : "ticket.few_buy_within", { count: filled }));
    else if (filled) words.push(t(buying ? "ticket.few_sell" : "ticket.few_buy", { count: filled }));
    else if (within) words.push(t(buying ? "ticket.nobody_sells_within" : "ticket.nobody_buys_within"));
    else words.push(t(buying ? "ticket.nobody_sells" : "ticket.nobody_buys"));
  }
  if (filled && hint !== null) words.push(t(buying ? "ticket.not_above" : "ticket.not_below", { price: hint }));
  if (filled || resting)
    for (const { side, qty, price } of met(own, seen, limit, buying))
      words.push(t(side === "bid" ? "ticket.cancels_bid" : "ticket.cancels_ask", { qty, price }));
  if (buying && cost + fees + held > me.cash) words.push(t("ticket.cash", { cash: coins(me.cash) }));
  if (seen.gain >= 0 && seen.gain !== null) words.push(t("ticket.would_earn", { gain: coins(seen.gain) }));
  return words.join(" ");
}
