// What a trade would cost, by the book as it is known. Pure: no page is needed to test it.

/** The taker's fee for one trade. */
export const fee = (notional, bps) => Math.ceil((notional * bps) / 10_000);

/**
 * Walks levels `[price, qty]`, best first, for up to `qty` units at no worse than `limit` (null: any).
 * `deep`: the book goes on past these levels, as far as is known.
 */
export function walk(levels, qty, limit, buying, bps) {
  let [left, cost, fees, worst] = [qty, 0, 0, null];
  for (const [price, there] of levels) {
    if (left === 0 || (limit !== null && (buying ? price > limit : price < limit))) break;
    const taken = Math.min(left, there);
    cost += taken * price;
    fees += fee(taken * price, bps);
    left -= taken;
    worst = price;
  }
  return { filled: qty - left, left, cost, fees, worst };
}

/** The most units that `cash` buys by the book, fees in. */
export function affordable(levels, cash, limit, bps) {
  let [left, units] = [cash, 0];
  for (const [price, there] of levels) {
    if (limit !== null && price > limit) break;
    const each = price + (price * bps) / 10_000;
    const some = Math.min(there, Math.floor(left / each));
    units += some;
    left -= some * price + fee(some * price, bps);
    if (some < there) break;
  }
  return units;
}
