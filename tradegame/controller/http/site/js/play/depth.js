// The book of the chosen good, ten levels deep: the server tells the best five as they change, the others are asked
// for.

import { askWhileSeen } from "../common/repeat.js";

export const DEPTH = 10;
/** So many levels a side come by themselves. */
const LIVE = 5;
const EVERY_MS = 2_000;

/** `live` levels `[price, qty]`, best first, and behind them those of `asked`. `bids`: whether prices fall. */
export function deepen(live, asked, bids) {
  if (live.length < LIVE) return live; // there are no others
  const worst = live.at(-1)[0];
  const behind = asked.filter(([price]) => (bids ? price < worst : price > worst));
  return [...live, ...behind].slice(0, DEPTH);
}

/** Gives the desk `levels(side)` of the chosen good. Asks while `element` is in sight, and calls `changed`. */
export function followDepth(desk, element, changed) {
  const { client, game } = desk;
  const none = { bids: [], asks: [] };
  let asked = none;
  desk.levels = (side) => deepen(game.state.goods[desk.good][side], asked[side], side === "bids");
  async function ask() {
    const { good } = desk;
    const { bids, asks } = game.state.goods[good];
    if (bids.length < LIVE && asks.length < LIVE) return;
    const book = await game.book(good, DEPTH);
    if (good !== desk.good) return;
    asked = book;
    changed();
  }
  const now = askWhileSeen(client, element, EVERY_MS, ask);
  desk.onchoose(() => {
    asked = none;
    void now();
  });
}
