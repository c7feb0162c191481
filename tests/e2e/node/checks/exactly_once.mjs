// The same command with the same key has one effect and gets the first result.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check } from "../lib/tap.mjs";
import { cancelAll, newKey, pushes, signedInAndJoined } from "./common.mjs";

/** Sends the same command twice; both must have the same result, the second marked as replayed. */
async function twice(connection, op, fields, elsewhere = connection) {
  const key = newKey();
  const first = await connection.ok(op, { ...fields, key });
  const { replayed, ...second } = await elsewhere.ok(op, { ...fields, key }, { replayed: true });
  assert.equal(replayed, true);
  assert.deepEqual(second, first);
  return first;
}

export async function exactlyOnce({ url, game, housed, bare }) {
  const player = await signedInAndJoined(url, game);
  const other = await signedInAndJoined(url, game);
  const elsewhere = await Connection.signedIn(url, { token: player.token });

  await check("buy and sell with the same key are one trade each, from another connection too", async () => {
    const before = await player.ok("me", { game });
    const bought = await twice(player, "buy", { game, good: housed, qty: 3 }, elsewhere);
    const sold = await twice(player, "sell", { game, good: housed, qty: 1 });
    const after = await player.ok("me", { game });
    assert.equal(after.goods[housed], (before.goods[housed] ?? 0) + 2);
    assert.equal(after.cash, before.cash - bought.cost - bought.fee + sold.proceeds - sold.fee);
  });

  await check("order and cancel with the same key are one order, cancelled once", async () => {
    const { order } = await twice(player, "order", { game, good: bare, side: "ask", qty: 2, price: 777 });
    assert.equal((await player.ok("me", { game })).orders.length, 1);
    await twice(player, "cancel", { game, order });
    const me = await player.ok("me", { game });
    assert.deepEqual([me.orders, me.goods[bare]], [[], 10]);
  });

  await check("say with the same key is heard once", async () => {
    const from = other.frames.length;
    await twice(player, "say", { game, text: "only once" });
    const { seq } = await player.ok("say", { game, text: "and then" });
    await other.caughtUp(game, seq);
    const heard = pushes(other, "events", from).flatMap((each) => each.events);
    assert.equal(heard.filter((each) => each.text === "only once").length, 1);
  });

  await check("join with the same key joins once, and still brings what is needed to follow", async () => {
    const newcomer = await Connection.signedIn(url);
    const key = newKey();
    const from = other.frames.length;
    await newcomer.join(game, { key });
    const again = await Connection.signedIn(url, { token: newcomer.token });
    const reply = await again.join(game, { key }, { replayed: true });
    assert.equal(reply.recovered, false);
    const { seq } = await other.ok("say", { game, text: "welcome" });
    await again.caughtUp(game, seq);
    await other.caughtUp(game, seq);
    const joins = pushes(other, "events", from).flatMap((each) => each.events).filter((each) => each.type === "joined");
    assert.equal(joins.length, 1);
    await Promise.all([newcomer.close(), again.close()]);
  });

  await check("the order of a payload's fields does not make it another payload", async () => {
    const key = newKey();
    await player.ok("buy", { game, good: housed, qty: 1, limit: 1_000, key });
    const reply = await player.requestText(
      `{"key": "${key}",  "limit": 1000, "qty": 1, "good": "${housed}", "game": "${game}", "op": "buy", "id": "order"}`,
      "order",
    );
    assert.equal(reply.ok?.replayed, true, JSON.stringify(reply));
  });

  await check("the same key with another payload is key_reused, and changes nothing", async () => {
    const key = newKey();
    await player.ok("buy", { game, good: housed, qty: 1, key });
    const before = await player.ok("me", { game });
    await player.error("key_reused", "buy", { game, good: housed, qty: 2, key });
    await player.error("key_reused", "buy", { game, good: housed, qty: 1, limit: 1_000, key });
    await player.error("key_reused", "sell", { game, good: housed, qty: 1, key });
    await player.error("key_reused", "say", { game, text: "hm", key });
    await player.ok("buy", { game, good: housed, qty: 1, key }, { replayed: true });
    assert.deepEqual({ ...(await player.ok("me", { game })), worth: 0, start: 0 }, { ...before, worth: 0, start: 0 });
  });

  await check("a key is the player's own", async () => {
    const key = newKey();
    await player.ok("say", { game, text: "mine", key });
    await other.ok("say", { game, text: "mine", key });
  });

  await check("an error is remembered and replayed, though it would succeed by now", async () => {
    const key = newKey();
    const fields = { game, good: bare, qty: 1, limit: 3, key };
    const first = await player.error("no_liquidity", "buy", fields);
    await other.ok("order", { game, good: bare, side: "ask", qty: 1, price: 3 });
    const { replayed, ...second } = await player.error("no_liquidity", "buy", fields, { replayed: true });
    assert.equal(replayed, true);
    assert.deepEqual(second, first);
    assert.equal((await player.ok("buy", { game, good: bare, qty: 1, limit: 3 })).filled, 1);
    await cancelAll(other, game);
  });

  await check("a command whose reply was lost with its connection takes effect exactly once", async () => {
    const buyer = await signedInAndJoined(url, game);
    let cost = 0;
    for (let i = 0; i < 8; i += 1) {
      const fields = { game, good: housed, qty: 1, key: newKey() };
      const doomed = await Connection.signedIn(url, { token: buyer.token });
      doomed.request("buy", fields).catch(() => {}); // its reply may come or not
      if (i % 2) doomed.socket.close(1000);
      else doomed.socket._socket.end(() => doomed.drop()); // the frame goes out; the answer finds nobody
      await doomed.closed;
      const { ok, error } = await buyer.request("buy", fields);
      assert.equal(error, undefined, JSON.stringify(error));
      cost += ok.cost + ok.fee;
    }
    const after = await buyer.ok("me", { game });
    assert.equal(after.goods[housed], 8);
    assert.equal(after.cash, 10_000 - cost);
    await buyer.close();
  });

  await check("the same command with the same key from two connections at once has one effect", async () => {
    const here = await signedInAndJoined(url, game);
    const there = await Connection.signedIn(url, { token: here.token });
    for (let i = 0; i < 5; i += 1) {
      const fields = { game, good: housed, qty: 1, key: newKey() };
      const replies = await Promise.all([here.request("buy", fields), there.request("buy", fields)]);
      const results = replies.map(({ ok }) => ok);
      assert.equal(results.filter((each) => each?.replayed === true).length, 1, JSON.stringify(replies));
      assert.equal(results[0].cost, results[1].cost);
    }
    const after = await here.ok("me", { game });
    assert.equal(after.goods[housed], 5);
    await Promise.all([here.close(), there.close()]);
  });
  await check("a copy that comes after 256 newer keys is stale, and does nothing", async () => {
    const late = await signedInAndJoined(url, game);
    const { keys: since } = await late.ok("me", { game });
    const { epoch } = await late.join(game);
    const copy = { game, good: housed, qty: 1, key: newKey(), since, epoch };
    assert.equal((await late.ok("buy", copy)).keys, since + 1);
    for (let i = 0; i < 8; i += 1) {
      const nothing = () => late.error("unknown_order", "cancel", { game, order: "-", key: newKey() });
      await Promise.all(Array.from({ length: 32 }, nothing));
    }
    const stale = await late.error("stale", "buy", copy);
    assert.equal(stale.keys, since + 257);
    assert.equal((await late.ok("me", { game })).goods[housed], 1);
    await late.close();
  });

  await check("a command of another epoch, or of a future that never was, does nothing", async () => {
    const before = await player.ok("me", { game });
    const fields = { game, good: housed, qty: 1 };
    await player.error("epoch_over", "buy", { ...fields, key: newKey(), since: before.keys, epoch: "another" });
    await player.error("ahead", "buy", { ...fields, key: newKey(), since: before.keys + 1 });
    assert.deepEqual({ ...(await player.ok("me", { game })), worth: 0, start: 0 }, { ...before, worth: 0, start: 0 });
  });
  await Promise.all([player.close(), other.close(), elsewhere.close()]);
}
