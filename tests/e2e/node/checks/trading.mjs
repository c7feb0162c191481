// Buying, selling, ordering, cancelling: what the reply, the account, the book and the events say of it.

import assert from "node:assert/strict";
import { check, group } from "../lib/tap.mjs";
import { cancelAll, pushes, signedInAndJoined } from "./common.mjs";

export async function trading(context) {
  await group("buying from the house and selling to it", () => house(context));
  await group("orders among players", () => orders(context));
}

/** The trades among what came from frame number `from` on. */
const tradesOf = (connection, from) =>
  pushes(connection, "events", from).flatMap((each) => each.events).filter((each) => each.type === "trade");

async function house({ url, game, housed }) {
  const player = await signedInAndJoined(url, game);

  await check("buy takes from the cheapest ask up, and the account tells the same", async () => {
    const before = await player.ok("me", { game });
    const from = player.frames.length;
    const bought = await player.ok("buy", { game, good: housed, qty: 25 });
    assert.equal(bought.filled, 25);
    assert.equal(bought.cash, before.cash - bought.cost - bought.fee);
    const after = await player.ok("me", { game });
    assert.equal(after.cash, bought.cash);
    assert.equal(after.goods[housed], (before.goods[housed] ?? 0) + 25);
    await player.caughtUp(game, bought.seq);
    const mine = tradesOf(player, from).filter((each) => each.buyer === player.player);
    assert.ok(mine.every((each) => each.good === housed && each.seller === "house" && each.taker === "buy"));
    assert.equal(mine.reduce((sum, each) => sum + each.qty, 0), 25);
    assert.equal(mine.reduce((sum, each) => sum + each.qty * each.price, 0), bought.cost);
    assert.deepEqual(mine.map((each) => each.price), mine.map((each) => each.price).sort((a, b) => a - b));
  });

  await check("sell is the mirror image", async () => {
    const before = await player.ok("me", { game });
    const sold = await player.ok("sell", { game, good: housed, qty: 10, limit: 1 });
    assert.equal(sold.filled, 10);
    assert.equal(sold.cash, before.cash + sold.proceeds - sold.fee);
    const after = await player.ok("me", { game });
    assert.equal(after.goods[housed], before.goods[housed] - 10);
  });

  await check("an account push tells of the change, with the seq of its frame", async () => {
    const from = player.frames.length;
    const { seq, cash } = await player.ok("buy", { game, good: housed, qty: 1 });
    const push = await player.until("the account", (each) => each.push === "account" && each.seq === seq, from);
    assert.equal(push.game, game);
    assert.equal(push.account.cash, cash);
  });

  await check("nothing at or within the limit is no_liquidity", async () => {
    await player.error("no_liquidity", "buy", { game, good: housed, qty: 1, limit: 1 });
    await player.error("no_liquidity", "sell", { game, good: housed, qty: 1, limit: 1_000_000_000 });
  });
  await player.close();
}

async function orders({ url, game, bare }) {
  const seller = await signedInAndJoined(url, game, { name: "Seller" });
  const buyer = await signedInAndJoined(url, game, { name: "Buyer" });

  await check("an order that meets nothing rests, and holds its goods", async () => {
    const from = buyer.frames.length;
    const reply = await seller.ok("order", { game, good: bare, side: "ask", qty: 6, price: 30 });
    assert.equal(reply.filled, 0);
    assert.equal(reply.resting, 6);
    const me = await seller.ok("me", { game });
    assert.equal(me.goods[bare], 4);
    assert.equal(me.held_goods[bare], 6);
    assert.deepEqual(me.orders, [{ order: reply.order, good: bare, side: "ask", qty: 6, price: 30 }]);
    const { event } = await buyer.event("the book", game, (each) => each.type === "book" && each.good === bare, from);
    assert.deepEqual(event, { type: "book", good: bare, bids: [], asks: [[30, 6]] });
  });

  await check("buy trades at the resting price, and both sides hear of it", async () => {
    const from = seller.frames.length;
    const bought = await buyer.ok("buy", { game, good: bare, qty: 2, limit: 35 });
    assert.deepEqual([bought.filled, bought.cost, bought.cash], [2, 60, 10_000 - 60 - bought.fee]);
    const { frame, event } = await seller.event("the trade", game, (each) => each.type === "trade", from);
    assert.deepEqual(event, {
      type: "trade",
      good: bare,
      price: 30,
      qty: 2,
      buyer: buyer.player,
      seller: seller.player,
      taker: "buy",
      number: event.number,
    });
    assert.equal(frame.seq, bought.seq);
    const push = await seller.until("the account", (each) => each.push === "account" && each.seq === frame.seq, from);
    assert.equal(push.account.cash, 10_060);
    assert.equal(push.account.held_goods[bare], 4);
  });

  await check("buy fills partly when there is less", async () => {
    const bought = await buyer.ok("buy", { game, good: bare, qty: 100 });
    assert.deepEqual([bought.filled, bought.cost], [4, 120]);
    const { asks, last } = await buyer.ok("book", { game, good: bare });
    assert.deepEqual(asks, []);
    assert.equal(last, 30);
  });

  await check("a bid holds coins, trades at the better price of what it meets, and rests with the rest", async () => {
    await seller.ok("order", { game, good: bare, side: "ask", qty: 2, price: 40 });
    const before = await buyer.ok("me", { game });
    const reply = await buyer.ok("order", { game, good: bare, side: "bid", qty: 5, price: 45 });
    assert.deepEqual([reply.filled, reply.resting], [2, 3]);
    const me = await buyer.ok("me", { game });
    assert.equal(me.held_cash, 135);
    assert.equal(me.cash, before.cash - 80 - 135);
    assert.equal(me.cash, reply.cash);
  });

  await check("sell meets the resting bid", async () => {
    const sold = await seller.ok("sell", { game, good: bare, qty: 1, limit: 45 });
    assert.deepEqual([sold.filled, sold.proceeds], [1, 45]);
  });

  await check("cancel gives back what is held", async () => {
    const { orders: mine } = await buyer.ok("me", { game });
    assert.deepEqual(mine.map(({ qty, price, side }) => [qty, price, side]), [[2, 45, "bid"]]);
    const { order, released } = await buyer.ok("cancel", { game, order: mine[0].order });
    assert.equal(order, mine[0].order);
    assert.deepEqual(released, { cash: 90, qty: 0 });
    const ask = await seller.ok("order", { game, good: bare, side: "ask", qty: 1, price: 99 });
    assert.deepEqual((await seller.ok("cancel", { game, order: ask.order })).released, { cash: 0, qty: 1 });
    const me = await buyer.ok("me", { game });
    assert.deepEqual([me.held_cash, me.orders], [0, []]);
    await buyer.error("unknown_order", "cancel", { game, order: mine[0].order });
  });

  await check("the dearer bid goes first, the earlier one among equals", async () => {
    const third = await signedInAndJoined(url, game);
    const taker = await signedInAndJoined(url, game);
    await buyer.ok("order", { game, good: bare, side: "bid", qty: 1, price: 20 });
    await third.ok("order", { game, good: bare, side: "bid", qty: 1, price: 20 });
    await third.ok("order", { game, good: bare, side: "bid", qty: 1, price: 21 });
    const from = seller.frames.length;
    const sold = await taker.ok("sell", { game, good: bare, qty: 2 });
    assert.equal(sold.proceeds, 41);
    await seller.caughtUp(game, sold.seq);
    const trades = tradesOf(seller, from).filter((each) => each.good === bare);
    assert.deepEqual(
      trades.map((each) => [each.price, each.buyer, each.taker]),
      [[21, third.player, "sell"], [20, buyer.player, "sell"]],
    );
    await cancelAll(third, game);
    await Promise.all([third.close(), taker.close()]);
  });

  await check("one's own resting order is cancelled, not met", async () => {
    await cancelAll(buyer, game);
    await buyer.ok("order", { game, good: bare, side: "ask", qty: 1, price: 50 });
    const reply = await buyer.ok("order", { game, good: bare, side: "bid", qty: 1, price: 50 });
    assert.deepEqual([reply.filled, reply.resting], [0, 1]);
    const me = await buyer.ok("me", { game });
    assert.deepEqual(me.orders.map((each) => each.side), ["bid"]);
    await cancelAll(buyer, game);
  });

  await check("replies to pipelined orders come in the order of the requests", async () => {
    const prices = [1, 2, 3, 4, 5];
    const from = buyer.frames.length;
    const ids = prices.map((price) => `pipelined ${price}`);
    const replies = await Promise.all(
      prices.map((price, i) =>
        buyer.ok("order", { game, good: bare, side: "bid", qty: 1, price }, { id: ids[i] }),
      ),
    );
    const arrived = buyer.frames.slice(from).map(({ frame }) => frame.id).filter((id) => ids.includes(id));
    assert.deepEqual(arrived, ids);
    assert.equal(new Set(replies.map((each) => each.order)).size, 5);
    const seqs = replies.map((each) => each.seq);
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
  });

  await check("one more open order than the cap is too_many_orders", async () => {
    await buyer.error("too_many_orders", "order", { game, good: bare, side: "bid", qty: 1, price: 6 });
    await cancelAll(buyer, game);
  });
  await cancelAll(seller, game);
  await Promise.all([seller.close(), buyer.close()]);
}
