// A server forgets a player's keys after 256 newer ones: whose key may be forgotten is not passed by others.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { advance, settled, stopTheClock, World, watch } from "./lib/fake.mjs";

/** As many newer keys as may be sent while one is unsettled, and it itself. */
const WINDOW = 64;

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const many = (game, count = 300) => Array.from({ length: count }, () => watch(game.sell("grain", 1)));

/** Answers every sell that comes, until no more come. */
function answerSells(socket, from = 0) {
  let done = from;
  for (; done < socket.of("sell").length; done += 1) socket.ok(socket.of("sell")[done], { seq: 11 });
  return done;
}

test("of an unsettled command only so many newer ones are sent, and the others once it is settled", async () => {
  const { game, socket } = await world.playing();
  const buy = watch(game.buy("grain", 1));
  const sells = many(game);
  assert.equal(answerSells(socket), WINDOW - 1);
  for (const code of ["unavailable", "timeout", "unavailable"]) {
    socket.refuse(socket.last("buy"), code);
    await advance(2_000);
  }
  assert.deepEqual([socket.of("buy").length, socket.of("sell").length], [4, WINDOW - 1]);
  socket.ok(socket.last("buy"), { seq: 12 });
  assert.equal(answerSells(socket, WINDOW - 1), 300);
  await settled();
  assert.ok([buy, ...sells].every((call) => call.value));
});

test("a command that is given up at its deadline holds nobody up", async () => {
  const { client, game, socket } = await world.playing();
  const buy = watch(client.request("buy", { game: "bazaar", good: "grain", qty: 1 }, { deadlineMs: 3_000 }));
  many(game);
  const before = answerSells(socket);
  await advance(3_000);
  assert.deepEqual([before, buy.error.code, buy.error.definite], [WINDOW - 1, "timeout", false]);
  assert.equal(answerSells(socket, before), 300);
});

test("one that waits for its turn until its deadline was never sent, and is rejected for certain", async () => {
  const { client, game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  many(game);
  const late = watch(client.request("say", { game: "bazaar", text: "late" }, { deadlineMs: 2_000 }));
  await advance(2_000);
  assert.deepEqual([late.error.code, late.error.definite], ["timeout", true]);
  socket.ok(socket.last("buy"), { seq: 12 });
  answerSells(socket);
  assert.equal(socket.of("say").length, 0);
});

test("reads and other games do not wait for a game's unsettled command", async () => {
  const { client, game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  many(game);
  for (const call of [game.book("grain"), client.request("say", { game: "other", text: "x" })]) watch(call);
  assert.deepEqual([socket.of("book").length, socket.of("say").length], [1, 1]);
});

test("what was surely not taken in lets all others pass", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 20_000 });
  many(game);
  assert.equal(answerSells(socket), 300);
  assert.equal(socket.of("buy").length, 1);
});

test("who was asked first goes first, though it was refused meanwhile", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 500 });
  watch(game.say("this is not answered yet"));
  many(game);
  answerSells(socket);
  await advance(1_000);
  socket.ok(socket.last("say"), { seq: 11 });
  assert.deepEqual(
    socket.requests.slice(-WINDOW).map(({ op }) => op),
    ["buy", ...Array(WINDOW - 1).fill("sell")],
  );
});

test("nothing new is sent while what may have happened is refused by the rate", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "unavailable");
  await advance(300);
  for (let time = 0; time < 3; time += 1) {
    socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 50 });
    if (time === 0) for (const call of [game.say("new"), game.book("grain")]) watch(call);
    await advance(2_100);
  }
  assert.deepEqual([socket.of("buy").length, socket.of("say").length, socket.of("book").length], [5, 0, 0]);
  socket.ok(socket.last("buy"), { seq: 11 });
  assert.deepEqual([socket.of("say").length, socket.of("book").length], [1, 1]);
});

test("on a new connection what may have happened goes first, and in its order", async () => {
  const { game, socket } = await world.playing();
  many(game, WINDOW - 1);
  watch(game.buy("grain", 1));
  watch(game.say("new"));
  assert.equal(socket.of("say").length, 0);
  const sent = socket.requests.slice(-WINDOW).map(({ key }) => key);
  socket.end();
  watch(game.say("newer"));
  await world.next();
  world.socket.greet().recover();
  assert.deepEqual(
    world.socket.requests.filter(({ key }) => key).map(({ key }) => key),
    sent,
  );
  answerSells(world.socket);
  world.socket.ok(world.socket.last("buy"), { seq: 11 });
  assert.deepEqual(
    world.socket.of("say").map(({ text }) => text),
    ["new", "newer"],
  );
});
