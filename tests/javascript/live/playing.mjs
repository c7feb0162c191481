// Two players trade and talk, and a third looks on.

import assert from "node:assert/strict";
import { collect, conclude, connect, gap, newKey, until } from "./lib/test.mjs";

const [ann, ben, wall] = await Promise.all(["ann", "ben", "wall"].map((name) => connect(name)));
assert.deepEqual(
  (await ann.list()).map(({ game }) => game),
  ["bazaar"],
);
const [hers, his] = [await ann.join("bazaar"), await ben.join("bazaar")];
const seen = await wall.join("bazaar", { spectate: true });
assert.deepEqual([hers.me.cash, hers.me.goods.wood, seen.me], [10_000, 10, null]);
const shown = collect(seen);
const whispers = [];
for (const game of [hers, his, seen]) game.on("whisper", ({ text, player, to }) => whispers.push([text, player, to]));

const [herFills, hisFills] = [hers, his].map((game) => {
  const told = [];
  game.on("fills", ({ fills }) => told.push(...fills));
  return told;
});

const { order, resting } = await hers.order("wood", "ask", 3, 37);
assert.equal(resting, 3);
const key = newKey();
const bought = await his.buy("wood", 2, { limit: 40, key });
assert.deepEqual([bought.filled, bought.cost], [2, 74]);
const again = await his.buy("wood", 2, { limit: 40, key });
assert.deepEqual([again.replayed, again.cost, again.seq], [true, 74, bought.seq]);
await assert.rejects(his.buy("wood", 1, { key }), { code: "key_reused", definite: true, key });
await assert.rejects(his.buy("wood", 1, { limit: 1 }), { code: "no_liquidity" });
await assert.rejects(his.buy("gold", 1), { code: "unknown_good" });
await assert.rejects(his.buy("wood", 1.5), { code: "bad_request", at: "$.qty" });
await assert.rejects(ben.join("nowhere"), { code: "unknown_game" });
assert.equal((await hers.cancel(order)).released.qty, 1);
await assert.rejects(hers.cancel(order), { code: "unknown_order", became: "cancelled" });
await until(() => herFills.length === 1 && hisFills.length === 1);
const [fill] = herFills;
assert.deepEqual([fill.trade, fill.order, fill.maker, fill.side, fill.qty, fill.fee], [1, order, true, "ask", 2, 0]);
assert.deepEqual([await hers.fills(), await his.fills(1)], [herFills, hisFills]);
const { open, done } = await hers.orders();
assert.deepEqual(open, []);
assert.deepEqual(
  done.map((gone) => [gone.order, gone.became, gone.filled, gone.qty]),
  [[order, "cancelled", 2, 1]],
);
const { positions, worth, start } = hers.me;
assert.deepEqual([positions.wood.average_sold, positions.wood.gain], [3_700, worth - start]);
const sold = await his.sell("grain", 1).catch((error) => error);
assert.equal(sold.code, "insufficient_goods");

await hers.say("wood is dear");
await his.say("only for you", { to: ann.player.id });
await until(() => seen.state.messages.some(({ text }) => text === "wood is dear") && whispers.length === 2);
assert.deepEqual(whispers, Array(2).fill(["only for you", ben.player.id, ann.player.id]));
await until(() => seen.online.has(ann.player.id) && seen.online.has(wall.player.id));
await until(() => hers.me.cash === 10_074 && his.me.goods.wood === 12 && !hers.me.orders.length);
const { keys, ...asked } = await ann.request("me", { game: "bazaar" });
const { keys: told, ...pushed } = hers.me;
assert.deepEqual(asked, pushed);
assert.ok(keys >= told && told > 0); // what a command says counts at once, and shows with the next change
assert.deepEqual(
  seen.state.goods.wood.recent.map(([, price, qty]) => [price, qty]),
  [[37, 2]],
);
const book = await seen.book("grain", 2);
assert.deepEqual([book.bids.length, book.asks.length], [2, 2]);
const standings = await seen.standings();
assert.deepEqual(standings.map(({ name }) => name).sort(), ["ann", "ben"]);
assert.ok(Math.abs(ann.now() - Date.now()) < 1_000);

// The same player in another tab: both are told.
const tab = await connect(undefined, { token: ben.token });
assert.deepEqual(tab.player, ben.player);
const other = await tab.join("bazaar");
await other.buy("grain", 1);
await until(() => his.me.goods.grain === 1 && other.me.goods.grain === 1);

await seen.leave();
await shown.reading;
assert.equal(gap(shown.frames), undefined);
assert.ok(shown.frames.some(({ events }) => events.some(({ type, qty }) => type === "trade" && qty === 2)));
conclude();
