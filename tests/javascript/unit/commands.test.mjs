// A command is settled exactly once, and what is said of it is true.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { newKey } from "../../../tradegame/controller/http/site/tradegame.js";
import { advance, refusal, settled, stopTheClock, World, watch } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

test("every command has a key, the caller's own or one that nobody else has", async () => {
  const { client, game, socket } = await world.playing();
  const calls = [
    game.buy("grain", 1),
    game.sell("grain", 1),
    game.order("grain", "bid", 1, 5),
    game.cancel("o1"),
    game.say("x"),
    game.buy("grain", 1, { key: "mine" }),
    client.request("buy", { game: "bazaar", good: "grain", qty: 1 }),
    client.join("other"),
  ];
  for (const call of calls) call.catch(() => {});
  const keys = socket.requests.slice(-8).map(({ key }) => key);
  assert.ok(
    keys.every((key) => typeof key === "string" && key.length <= 64),
    keys.join(),
  );
  assert.equal(new Set(keys).size, 8);
  assert.equal(keys[5], "mine");
  assert.equal(new Set(Array.from({ length: 1_000 }, newKey)).size, 1_000);
});

test("null and undefined are left out: they are no values on the wire", async () => {
  const { game, socket } = await world.playing();
  for (const call of [game.buy("grain", 1, { limit: null }), game.say("x", { to: null, key: undefined })])
    call.catch(() => {});
  assert.ok(!("limit" in socket.last("buy")) && !("to" in socket.last("say")) && socket.last("say").key);
});

test("what the server does not take in for now is sent again after the time it tells, with the same key", async () => {
  const { game, socket } = await world.playing();
  const call = watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 700 });
  await advance(690);
  assert.equal(socket.of("buy").length, 1);
  await advance(300);
  assert.equal(socket.of("buy").length, 2);
  assert.equal(socket.of("buy")[0].key, socket.of("buy")[1].key);
  socket.ok(socket.last("buy"), { filled: 1, seq: 11 });
  await settled();
  assert.deepEqual([call.settled, call.value.filled], [1, 1]);
});

test("what nobody knows is asked again with the same key, what is definite is not", async () => {
  const { game, socket } = await world.playing();
  const call = watch(game.buy("grain", 1));
  for (const code of ["unavailable", "timeout", "internal"]) {
    socket.refuse(socket.last("buy"), code);
    await advance(2_000);
  }
  assert.equal(socket.of("buy").length, 4);
  socket.refuse(socket.last("buy"), "no_liquidity", { replayed: true });
  await settled();
  assert.deepEqual(
    [call.error.code, call.error.definite, call.error.replayed, call.error.key],
    ["no_liquidity", true, true, socket.last("buy").key],
  );
  await advance(5_000);
  assert.equal(socket.of("buy").length, 4);
});

test("reads are asked again as commands are", async () => {
  const { game, socket } = await world.playing();
  const book = watch(game.book("grain", 3));
  socket.refuse(socket.last("book"), "unavailable");
  await advance(300);
  socket.end();
  await world.next();
  world.socket.greet();
  assert.equal(world.socket.last("book").depth, 3);
  world.socket.ok(world.socket.last("book"), { good: "grain", bids: [], asks: [], last: 1, seq: 1 });
  await settled();
  assert.equal(book.value.last, 1);
});

test("an unknown op without a key is not sent twice: nobody knows whether it happened", async () => {
  const { client, socket } = await world.playing();
  const call = watch(client.request("dance", { game: "bazaar" }));
  socket.end();
  await settled();
  assert.deepEqual([call.error.code, call.error.definite], ["closed", false]);
  await world.next();
  world.socket.greet();
  assert.equal(world.socket.of("dance").length, 0);
});

test("after its deadline a command is rejected once: definite if it was never taken in, else not", async () => {
  const { game, socket } = await world.playing({ deadlineMs: 3_000 });
  const send = socket.send.bind(socket);
  socket.send = (text) => {
    send(text);
    if (JSON.parse(text).op === "buy") socket.refuse(socket.last("buy"), "overloaded");
  };
  const [busy, lost] = [game.buy("grain", 1), game.sell("grain", 1)].map(watch);
  await advance(3_000);
  assert.deepEqual([busy.error.definite, lost.error.code, lost.error.definite], [true, "timeout", false]);
  socket.ok(socket.last("sell"), { seq: 1 });
  socket.end();
  const unsent = watch(game.say("while it is away"));
  await advance(3_100);
  assert.deepEqual([unsent.error.code, unsent.error.definite], ["timeout", true]);
  assert.deepEqual([busy.settled, lost.settled, unsent.settled], [1, 1, 1]);
});

test("a refusal given before the key was checked does not settle a command whose answer was lost", async () => {
  for (const code of ["rate_limited", "overloaded", "unknown_game", "not_joined"]) {
    world = new World();
    const { game, socket } = await world.playing({ deadlineMs: 2_000 });
    const call = watch(game.buy("grain", 1));
    socket.end();
    await world.next();
    world.socket.greet().recover();
    world.socket.refuse(world.socket.last("buy"), code, { retry_after_ms: 60_000 });
    await settled();
    assert.deepEqual([call.error.code, call.error.definite], [code, false]);
    const first = watch(game.buy("grain", 1));
    world.socket.refuse(world.socket.last("buy"), code, { retry_after_ms: 60_000 });
    await settled();
    assert.deepEqual([first.error.code, first.error.definite], [code, true]);
    world.close();
  }
});

test("what waits to be tried again is sent once on the next connection, and not before its time", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 2_000 });
  socket.end();
  const waited = await world.next();
  world.socket.greet().recover();
  await advance(1_900 - waited);
  assert.equal(world.socket.of("buy").length, 0);
  await advance(3_000);
  assert.equal(world.socket.of("buy").length, 1);
});

test("a refusal that comes twice makes it try again once", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  const request = socket.last("buy");
  socket.refuse(request, "rate_limited");
  socket.refuse(request, "rate_limited");
  await advance(1_000);
  assert.equal(socket.of("buy").length, 2);
});

test("a frame that the server would close the connection on is not sent", async () => {
  const { client, game, socket } = await world.playing();
  await assert.rejects(game.say("ä".repeat(9_000)), { code: "bad_request", definite: true });
  assert.equal(socket.of("say").length, 0);
  assert.equal(client.connection.unanswered, 0);
  game.say("x".repeat(9_000)).catch(() => {});
  assert.equal(socket.of("say").length, 1);
});

test("a thousand may be unanswered, one more is refused, and a reconnect still finds its way", async () => {
  const { client, game, socket } = await world.playing();
  const calls = Array.from({ length: 1_000 }, () => watch(game.buy("grain", 1)));
  assert.equal(client.connection.unanswered, 1_000);
  await assert.rejects(game.buy("grain", 1), { code: "overloaded", definite: true });
  socket.end();
  await world.next();
  world.socket.greet().recover();
  assert.equal(client.connection.state, "live");
  for (let done = 0; done < calls.length; done += 1) world.socket.ok(world.socket.of("buy")[done], { seq: 1 });
  await settled();
  assert.ok(calls.every(({ settled: times, value }) => times === 1 && value));
  assert.equal(client.connection.unanswered, 0);
});

test("a listener that throws, or rejects, stops nothing", async () => {
  const { client, game, socket } = await world.playing();
  const { error } = console;
  const told = [];
  console.error = (problem) => told.push(problem.message);
  client.on("state", () => {
    throw new Error("state");
  });
  game.on("said", () => {
    throw new Error("said");
  });
  game.on("said", async () => {
    throw new Error("later");
  });
  const heard = [];
  const off = game.on("said", ({ text }) => heard.push(text));
  socket.say({
    push: "events",
    game: "bazaar",
    epoch: "e1",
    seq: 11,
    at: 1,
    events: [{ type: "said", player: "p1", text: "one" }],
  });
  off();
  socket.say({
    push: "events",
    game: "bazaar",
    epoch: "e1",
    seq: 12,
    at: 1,
    events: [{ type: "said", player: "p1", text: "two" }],
  });
  const call = watch(game.buy("grain", 1));
  socket.ok(socket.last("buy"), { seq: 12 });
  await settled();
  console.error = error;
  assert.deepEqual([heard, game.seq, call.settled], [["one"], 12, 1]);
  assert.ok(
    ["said", "later", "state"].every((problem) => told.includes(problem)),
    told.join(),
  );
});

test("an error of the server's is told whole", async () => {
  const { game, socket } = await world.playing();
  const call = watch(game.buy("grain", 0));
  socket.say({ id: socket.last("buy").id, error: { ...refusal("bad_request"), at: "$.qty" } });
  await settled();
  assert.deepEqual(
    [call.error.name, call.error.code, call.error.at, call.error.message],
    ["TradeError", "bad_request", "$.qty", "it is bad_request"],
  );
});
