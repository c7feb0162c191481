// What a trade would cost, by the book as it is known. Pure: no page is needed to test it.

/** The taker's fee for one trade. */
export const fee = (notional, bps) => Math.ceil((notional * bps) / 10_000);

const within = (price, limit, buying) => limit === null || (buying ? price <= limit : price >= limit);

/** Levels `[price, qty]` without one's own orders `[{price, qty}]` of that side: they are cancelled when met, and do not trade. */
export function others(levels, own) {
  const mine = new Map();
  for (const { price, qty } of own) mine.set(price, (mine.get(price) ?? 0) + qty);
  return levels.map(([price, qty]) => [price, qty - (mine.get(price) ?? 0)]).filter(([, qty]) => qty > 0);
}

/**
 * Walks levels `[price, qty]`, best first, for up to `qty` units at no worse than `limit` (null: any).
 *
 * `fees` are the least and `mostFees` the most: each trade's fee is rounded up, and how many orders make a level nobody tells.
 */
export function walk(levels, qty, limit, buying, bps) {
  const found = { filled: 0, left: qty, cost: 0, fees: 0, mostFees: 0, worst: null };
  for (const [price, there] of levels) {
    if (found.left === 0 || !within(price, limit, buying)) break;
    const taken = Math.min(found.left, there);
    found.cost += taken * price;
    found.fees += fee(taken * price, bps);
    found.mostFees += taken * fee(price, bps);
    found.left -= taken;
    found.filled += taken;
    found.worst = price;
  }
  return found;
}

/** What a market that moves meanwhile may cost more, or bring less. */
export const SLACK_BPS = 200;

/** The limit that goes with a foretold worst price: a little beyond it, by one coin at least. */
export function limitFor(worst, buying) {
  const slack = Math.max(1, Math.ceil((worst * SLACK_BPS) / 10_000));
  return buying ? worst + slack : Math.max(1, worst - slack);
}

/** Which of one's own orders such a walk meets, and so cancels: those before the worst price, all if it runs dry. */
export function met(own, { left, worst }, limit, buying) {
  return own.filter(
    ({ price }) => within(price, limit, buying) && (left > 0 || (buying ? price < worst : price > worst)),
  );
}

/** The most units that `cash` buys by the book, whatever the fees; with `rest`, those too that would rest at the limit, free of fees. */
export function affordable(levels, cash, limit, bps, rest = false) {
  let [left, units] = [cash, 0];
  for (const [price, there] of levels) {
    if (!within(price, limit, true)) break;
    const each = price + fee(price, bps);
    const some = Math.min(there, Math.floor(left / each));
    units += some;
    left -= some * each;
    if (some < there) return units;
  }
  return units + (rest ? Math.floor(left / limit) : 0);
}

/** What `qty` more units are worth to a buyer who owns `owned` of them, or cost a seller who parts with them. */
export function valued(values, owned, qty, buying) {
  const units = buying ? values.slice(owned, owned + qty) : values.slice(Math.max(0, owned - qty), owned);
  return units.reduce((sum, value) => sum + value, 0);
}
