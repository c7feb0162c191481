// What a trade would cost, by the visible book. Needs no page.

/** The taker's fee for all trades of a command together. */
export const fee = (notional, bps) => Math.ceil((notional * bps) / 10_000);

const within = (price, limit, buying) => limit === null || (buying ? price <= limit : price >= limit);

/** Levels `[price, qty]` without the player's own orders `[{price, qty}]`, which are cancelled instead of traded. */
export function others(levels, own) {
  const mine = new Map();
  for (const { price, qty } of own) mine.set(price, (mine.get(price) ?? 0) + qty);
  return levels.map(([price, qty]) => [price, qty - (mine.get(price) ?? 0)]).filter(([, qty]) => qty > 0);
}

/**
 * Walks levels `[price, qty]`, best first, for up to `qty` units at no worse than `limit` (null: any). `tax`: coins for
 * each unit, which count as fees.
 */
export function walk(levels, qty, limit, buying, bps, tax = 0) {
  const found = { filled: 0, left: qty, cost: 0, fees: 0, worst: null };
  for (const [price, there] of levels) {
    if (found.left === 0 || !within(price, limit, buying)) break;
    const taken = Math.min(found.left, there);
    found.cost += taken * price;
    found.left -= taken;
    found.filled += taken;
    found.worst = price;
  }
  found.fees = fee(found.cost, bps) + found.filled * tax;
  return found;
}

/** How far the price may move while the command is under way. */
export const SLACK_BPS = 200;

/** A limit a little beyond the expected worst price, by at least one coin. */
export function limitFor(worst, buying) {
  const slack = Math.max(1, Math.ceil((worst * SLACK_BPS) / 10_000));
  return buying ? worst + slack : Math.max(1, worst - slack);
}

/** The player's own orders that such a walk would cancel: those before the worst price, all if units are left. */
export function met(own, { left, worst }, limit, buying) {
  return own.filter(
    ({ price }) => within(price, limit, buying) && (left > 0 || (buying ? price < worst : price > worst)),
  );
}

/**
 * The most units that `cash` buys from the book, fees and `tax` included: at most one less, where there are both. With
 * `rest`, also those that would rest at the limit, without a fee.
 */
export function affordable(levels, cash, limit, bps, rest = false, tax = 0) {
  let [cost, units] = [0, 0];
  const most = Math.floor((cash * 10_000) / (10_000 + bps)); // with its fee this is all the cash
  for (const [price, there] of levels) {
    if (!within(price, limit, true)) break;
    const some = Math.min(there, Math.floor((most - cost) / (price + tax)));
    units += some;
    cost += some * (price + tax);
    if (some < there) return units;
  }
  return units + (rest ? Math.floor((cash - cost - fee(cost, bps)) / (limit + tax)) : 0);
}

/** What `qty` more units are worth to a buyer who owns `owned`, or cost a seller who sells them. */
export function valued(values, owned, qty, buying) {
  const units = buying ? values.slice(owned, owned + qty) : values.slice(Math.max(0, owned - qty), owned);
  return units.reduce((sum, value) => sum + value, 0);
}
