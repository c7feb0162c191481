// What was asked for long ago does not happen now: it is withdrawn, and said to be.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { advance, settled, sleep, stopTheClock, World, watch } from "./lib/fake.mjs";

const PATIENCE = { unsentMs: 5_000, deadlineMs: 600_000 };

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const verdict = ({ error, value }) =>
  value !== undefined
    ? "done"
    : error === undefined
      ? "open"
      : `${error.code}, ${error.definite ? "certain" : "in doubt"}`;

/** Away for so long, then greeted on a new connection. */
async function away(ms) {
  await advance(ms);
  const { socket } = world;
  if (socket.readyState === 3) await world.next();
  return world.socket.greet().recover();
}

test("every command that was never sent is withdrawn after a while, for certain, and never sent", async () => {
  const { client, game, socket } = await world.playing(PATIENCE);
  socket.end();
  const calls = [
    game.buy("grain", 1),
    game.sell("grain", 1),
    game.order("grain", "bid", 1, 5),
    game.cancel("o1"),
    game.say("x"),
  ].map(watch);
  const read = watch(game.book("grain"));
  await advance(4_900);
  assert.deepEqual(calls.map(verdict), Array(5).fill("open"));
  await advance(200);
  assert.deepEqual(calls.map(verdict), Array(5).fill("unsent, certain"));
  assert.ok(calls.every(({ error }) => error.key && /withdrawn/.test(error.message)));
  assert.equal(client.connection.unanswered, 0);
  const next = await away(20_000);
  for (const op of ["buy", "sell", "order", "cancel", "say"]) assert.equal(next.of(op).length, 0, op);
  assert.deepEqual([next.of("book").length, verdict(read)], [1, "open"]);
});

test("a connection that is back in time carries the command out", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  socket.end();
  const buy = watch(game.buy("grain", 1));
  await world.next();
  world.socket.greet().recover();
  world.socket.ok(world.socket.last("buy"), { filled: 1, seq: 11 });
  await settled();
  assert.equal(verdict(buy), "done");
});

test("a machine that slept sends nothing of before it slept", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  socket.end();
  const buy = watch(game.buy("grain", 1));
  sleep(60_000);
  await world.next();
  world.socket.greet().recover();
  await settled();
  assert.deepEqual([verdict(buy), world.socket.of("buy").length], ["unsent, certain", 0]);
});

test("what is in doubt and late has its key taken: it had not happened, and no copy of it ever will", async () => {
  const { client, game, socket } = await world.playing(PATIENCE);
  const buy = watch(game.buy("grain", 1));
  const { key } = socket.last("buy");
  socket.end();
  const next = await away(23_000);
  assert.equal(next.of("buy").length, 0);
  const taken = next.last("cancel");
  assert.deepEqual([taken.key, taken.game, taken.order], [key, "bazaar", "-"]);
  assert.deepEqual([verdict(buy), client.connection.unanswered], ["open", 1]);
  next.refuse(taken, "unknown_order");
  await settled();
  assert.deepEqual([verdict(buy), buy.error.key, client.connection.unanswered], ["unsent, certain", key, 0]);
});

test("what is in doubt and late but had happened is told with its first result", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  const buy = watch(game.buy("grain", 1));
  const { key } = socket.last("buy");
  socket.end();
  const next = await away(23_000);
  next.refuse(next.last("cancel"), "key_reused");
  assert.deepEqual([next.last("buy").key, next.of("buy").length], [key, 1]);
  next.ok(next.last("buy"), { filled: 1, seq: 11, replayed: true });
  await settled();
  assert.deepEqual([verdict(buy), buy.value.replayed], ["done", true]);
});

test("what is in doubt but not late is sent again itself", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  watch(game.buy("grain", 1));
  socket.end();
  await world.next();
  world.socket.greet().recover();
  assert.deepEqual([world.socket.of("buy").length, world.socket.of("cancel").length], [1, 0]);
});

test("that a key is taken is asked for until it is certain", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  const say = watch(game.say("x"));
  socket.end();
  let next = await away(9_000);
  for (const code of ["unavailable", "rate_limited"]) {
    next.refuse(next.last("cancel"), code);
    await advance(2_500);
  }
  assert.equal(next.of("cancel").length, 3);
  next.end();
  next = await away(1_000);
  assert.equal(verdict(say), "open");
  next.refuse(next.last("cancel"), "unknown_order");
  await settled();
  assert.equal(verdict(say), "unsent, certain");
});

test("a store that does not answer for long does nothing late either", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  const buy = watch(game.buy("grain", 1));
  for (let turn = 0; turn < 6 && !socket.of("cancel").length; turn += 1) {
    socket.refuse(socket.last("buy"), "unavailable");
    await advance(2_100);
  }
  const sent = socket.of("buy").length;
  socket.refuse(socket.last("cancel"), "unknown_order");
  await advance(5_000);
  assert.deepEqual([verdict(buy), socket.of("buy").length], ["unsent, certain", sent]);
});

test("what was not taken in for the rate is withdrawn, too, and not sent again", async () => {
  const { game, socket } = await world.playing(PATIENCE);
  const buy = watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 20_000 });
  const slow = watch(game.sell("grain", 1));
  await advance(5_100);
  assert.equal(verdict(buy), "unsent, certain");
  socket.refuse(socket.last("sell"), "overloaded", { retry_after_ms: 100 });
  await advance(20_000);
  assert.deepEqual([verdict(slow), socket.of("buy").length, socket.of("sell").length], ["overloaded, certain", 1, 1]);
});

test("a machine that says it has no network keeps new commands, whatever its socket says", async () => {
  const navigator = { onLine: true };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  const { game, socket } = await world.playing(PATIENCE);
  navigator.onLine = false;
  await advance(2_100); // it has just been greeted, and asked for the time
  const [lost, kept] = [watch(game.buy("grain", 1)), watch(game.sell("grain", 1))];
  await advance(3_000);
  const order = watch(game.order("grain", "bid", 1, 5));
  await advance(2_500);
  assert.deepEqual([lost, kept, order].map(verdict), ["unsent, certain", "unsent, certain", "open"]);
  navigator.onLine = true;
  await advance(1_000);
  assert.deepEqual(
    ["buy", "sell", "order"].map((op) => socket.of(op).length),
    [0, 0, 1],
  );
  delete globalThis.navigator;
});

test("a machine that is wrong about its network is not believed: the server answers", async () => {
  Object.defineProperty(globalThis, "navigator", { value: { onLine: false }, configurable: true });
  const { game, socket } = await world.playing(PATIENCE);
  await advance(10_000);
  const buy = watch(game.buy("grain", 1));
  assert.equal(socket.of("buy").length, 0);
  await advance(1_000);
  socket.ok(socket.last("ping"), { at: 1 });
  assert.equal(socket.of("buy").length, 1);
  socket.ok(socket.last("buy"), { filled: 1, seq: 11 });
  await settled();
  assert.equal(verdict(buy), "done");
  delete globalThis.navigator;
});

test("without that patience, as in a program, a command waits for its deadline", async () => {
  const { game, socket } = await world.playing();
  socket.end();
  const buy = watch(game.buy("grain", 1));
  const next = await away(10_000);
  assert.deepEqual([verdict(buy), next.of("buy").length], ["open", 1]);
});

test("a call can have a patience of its own", async () => {
  const { client, socket } = await world.playing();
  socket.end();
  const say = watch(client.request("say", { game: "bazaar", text: "x" }, { unsentMs: 1_000 }));
  await advance(1_100);
  assert.equal(verdict(say), "unsent, certain");
});
