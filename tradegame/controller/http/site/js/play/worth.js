// What an account comes to: its worth, its gains, and the units that the player values. Needs no page.

/** What `qty` units count for; of a market by its book, as far as the book is shown. */
function marked({ mark, mark_source, bids }, qty) {
  if (mark_source !== "book") return qty * (mark ?? 0);
  let total = 0;
  for (const [price, wanted] of bids) {
    total += price * Math.min(qty, wanted);
    qty -= Math.min(qty, wanted);
  }
  return total;
}

/** What `qty` units of a good are worth to the player, at the current marks. */
function value({ me, state }, good, qty) {
  const values = me.values?.[good];
  return values ? values.slice(0, qty).reduce((sum, each) => sum + each, 0) : marked(state.goods[good], qty);
}

/** The worth at the current marks. The server tells it only when the account changes. */
export function worth(game) {
  const { me, state } = game;
  return Object.keys(state.goods).reduce(
    (sum, good) => sum + value(game, good, me.goods[good] + me.held_goods[good]),
    me.cash + me.held_cash,
  );
}

/** What trading each good has made in this round, at the current marks, valued as the server does. */
export function gains(game) {
  const { me, state } = game;
  return Object.entries(me.positions ?? {}).map(([good, position]) => {
    const values = me.values?.[good];
    const given = values ? (me.role === "seller" ? values.length : 0) : state.rules.goods[good].endowment;
    const { bought, cost, sold, proceeds, fees } = position;
    const gain = value(game, good, given + bought - sold) - value(game, good, given) + proceeds - cost - fees;
    return { ...position, good, gain };
  });
}

/** The gains of all goods together. */
export const gained = (game) => gains(game).reduce((sum, { gain }) => sum + gain, 0);

/**
 * A buyer's values or a seller's costs of a good, in the order in which they are traded, how many are done, and the
 * next one, null after the last. By what was traded, since a close pays all units out. Null without private values.
 */
export function units({ values, role, positions }, good) {
  const own = values?.[good];
  if (!own) return null;
  const { bought = 0, sold = 0 } = positions?.[good] ?? {};
  const selling = role === "seller";
  const done = selling ? sold - bought : bought - sold;
  const list = selling ? [...own].reverse() : own;
  return { list, done, next: list[done] ?? null };
}
