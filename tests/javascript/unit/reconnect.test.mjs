// What becomes of a connection that ends, and of one that only seems to be there.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { advance, frame, settled, sleep, stopTheClock, World, watch } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

test("after a break it resumes its session and games, then resends commands with the same keys", async () => {
  const { client, game, socket } = await world.playing();
  socket.say(frame(11));
  const calls = [game.buy("grain", 1), game.sell("grain", 1), game.say("hello")].map(watch);
  const keys = socket.requests.slice(-3).map(({ key }) => key);
  socket.end();
  assert.equal(client.connection.state, "reconnecting");
  await world.next();
  world.socket.greet();
  const { after } = world.socket.last("join");
  assert.deepEqual(after, { epoch: "e1", seq: 11 });
  assert.deepEqual(
    world.socket.requests.map(({ op }) => op),
    ["hello", "ping", "join", "buy", "sell", "say"],
  );
  assert.deepEqual(
    world.socket.requests.slice(-3).map(({ key }) => key),
    keys,
  );
  assert.equal(world.socket.last("hello").token, "t1");
  assert.equal(client.connection.state, "reconnecting");
  world.socket.recover();
  assert.equal(client.connection.state, "live");
  world.socket.say(frame(12, [{ type: "said", player: "p1", text: "hello" }]));
  assert.equal(game.seq, 12);
  for (const op of ["buy", "sell", "say"]) world.socket.ok(world.socket.last(op), { seq: 12, replayed: true });
  await settled();
  assert.deepEqual(
    calls.map(({ settled: times }) => times),
    [1, 1, 1],
  );
  assert.equal(client.unanswered, 0);
});

test("an answer that comes on the connection that was given up, or comes twice, settles nothing", async () => {
  const { game, socket } = await world.playing();
  const call = watch(game.buy("grain", 1));
  const request = socket.last("buy");
  const heard = socket.onmessage;
  socket.end();
  await world.next();
  world.socket.greet();
  heard?.({ data: JSON.stringify({ id: request.id, ok: { seq: 1, late: true } }) });
  await settled();
  assert.equal(call.settled, 0);
  world.socket.ok(world.socket.last("buy"), { seq: 2 });
  world.socket.ok(world.socket.last("buy"), { seq: 3 });
  await settled();
  assert.deepEqual([call.settled, call.value.seq], [1, 2]);
});

test("back-off grows with jitter to at most four seconds, and 1001 is answered at once", async () => {
  await world.playing();
  world.socket.end(1001);
  assert.ok((await world.next()) <= 260);
  const pauses = [];
  for (let tries = 0; tries < 14; tries += 1) {
    world.socket.end();
    pauses.push(await world.next());
  }
  assert.ok(
    pauses.slice(0, 3).every((pause, tries) => pause <= 260 * 2 ** tries),
    pauses.join(),
  );
  assert.ok(Math.max(...pauses) <= 4_010 && Math.max(...pauses) > 1_000, pauses.join());
});

test("a server that greets and closes, over and over, is not dialled ever faster", async () => {
  await world.playing();
  let waited = 0;
  for (let tries = 0; tries < 16; tries += 1) {
    world.socket.end(4001);
    waited += await world.next();
    world.socket.greet().recover();
  }
  assert.ok(waited > 8_000, `sixteen in ${waited} ms`);
});

test("codes from 4500 to 4999 stop it: calls are rejected, events end, nobody is dialled any more", async () => {
  const { client, game, socket } = await world.playing();
  const call = watch(game.buy("grain", 1));
  const reading = watch(game.events().next());
  socket.end(4501, "kicked");
  await settled();
  assert.deepEqual(
    [client.connection.state, client.connection.code, client.connection.reason],
    ["stopped", "4501", "kicked"],
  );
  assert.deepEqual([call.error.code, call.error.definite], ["closed", false]);
  assert.deepEqual([reading.value, game.ended], [{ value: undefined, done: true }, true]);
  await assert.rejects(game.buy("grain", 1), { code: "closed", definite: true });
  await advance(60_000);
  assert.equal(world.sockets.length, 1);
});

test("codes from 4000 to 4499 mean: come back", async () => {
  for (const code of [4001, 4002, 4003, 4004, 4499]) {
    world = new World();
    const { client, socket } = await world.playing();
    socket.end(code);
    assert.equal(client.connection.state, "reconnecting");
    await world.next();
    world.close();
  }
});

test("a session that is no longer valid stops it, and does not make another player of it", async () => {
  const { client, game, socket } = await world.playing();
  const call = watch(game.buy("grain", 1));
  socket.end();
  await world.next();
  world.socket.open().refuse(world.socket.last("hello"), "unauthorized");
  await settled();
  assert.deepEqual([client.connection.state, client.connection.code], ["stopped", "unauthorized"]);
  assert.deepEqual([call.error.code, call.error.definite], ["closed", false]);
  assert.equal(world.socket.of("hello").length, 1);
});

test("an old token and a name make somebody new at the first hello; a token alone is refused", async () => {
  const client = world.client({ token: "old" });
  world.socket.open();
  assert.equal(world.socket.last("hello").token, "old");
  world.socket.refuse(world.socket.last("hello"), "unauthorized");
  assert.deepEqual([world.socket.last("hello").name, world.socket.last("hello").token], ["ann", undefined]);
  world.socket.greet();
  await client.ready;
  const other = world.client({ token: "old", name: undefined });
  world.socket.open().refuse(world.socket.last("hello"), "unauthorized");
  await assert.rejects(other.ready, { code: "unauthorized" });
});

test("a personal link that is not valid any more makes nobody new", async () => {
  const client = world.client({ token: "https://x.test/KM4T#seat=s.bazaar.7.abc" });
  world.socket.open();
  assert.equal(world.socket.last("hello").token, "s.bazaar.7.abc");
  world.socket.refuse(world.socket.last("hello"), "unauthorized");
  await assert.rejects(client.ready, { code: "unauthorized" });
  assert.equal(world.socket.of("hello").length, 1);
});

test("a code is said until there is a token", async () => {
  const client = world.client({ code: "BCDFGHJK", name: undefined });
  world.socket.open();
  assert.deepEqual([world.socket.last("hello").code, world.socket.last("hello").token], ["BCDFGHJK", undefined]);
  world.socket.greet();
  await client.ready;
  world.socket.end();
  await world.next();
  world.socket.open();
  assert.deepEqual([world.socket.last("hello").code, world.socket.last("hello").token], [undefined, "t1"]);
});

test("a hello that is refused for now is tried again after the time that it tells", async () => {
  const client = world.client();
  world.socket.open().refuse(world.socket.last("hello"), "overloaded", { retry_after_ms: 5_000 });
  const waited = await world.next();
  assert.ok(waited >= 5_000 && waited <= 5_500, `${waited} ms`);
  world.socket.greet();
  await client.ready;
});

test("a server that takes the connection and does not answer hello is left after ten seconds", async () => {
  world.client();
  world.socket.open();
  const waited = await world.next();
  assert.ok(waited >= 10_000 && waited <= 10_500, `${waited} ms`);
});

test("a server that falls silent is asked, and left when it does not answer; one that answers is not", async () => {
  const { client, game, socket } = await world.playing({}, { server: { heartbeat_s: 20 } });
  const pings = socket.of("ping").length;
  await advance(19_000);
  assert.equal(socket.of("ping").length, pings);
  await advance(2_000);
  assert.equal(socket.of("ping").length, pings + 1);
  socket.ok(socket.last("ping"), { at: Date.now() });
  await advance(15_000);
  assert.equal(client.connection.state, "live");
  void game.buy("grain", 1).catch(() => {});
  await advance(13_000);
  assert.equal(client.connection.state, "reconnecting");
});

test("an order that a silent server leaves unanswered is settled within its deadline at the next one", async () => {
  const { game, socket } = await world.playing();
  const call = watch(game.order("grain", "ask", 2, 55));
  const { key } = socket.last("order");
  await world.next(13_500);
  world.socket.greet();
  assert.equal(world.socket.last("order").key, key);
  world.socket.ok(world.socket.last("order"), { order: "o1", seq: 12 });
  await settled();
  assert.equal(call.value.order, "o1");
});

test("who slept does not take the server for dead, but asks at once, and leaves soon when nobody answers", async () => {
  const { client, socket } = await world.playing({}, { server: { heartbeat_s: 20 } });
  const pings = socket.of("ping").length;
  sleep(3_600_000);
  await advance(1_000);
  assert.equal(client.connection.state, "live");
  assert.equal(socket.of("ping").length, pings + 1);
  await advance(5_500);
  assert.equal(client.connection.state, "reconnecting");
});

test("closing leaves nothing behind: no socket, no timer that dials, and every call is rejected", async () => {
  const { client, game, socket } = await world.playing();
  const calls = [game.buy("grain", 1), client.list(), client.join("other")].map(watch);
  client.close();
  await settled();
  assert.deepEqual(
    calls.map(({ error }) => error.code),
    ["closed", "closed", "closed"],
  );
  assert.equal(socket.readyState, 3);
  await advance(60_000);
  assert.equal(world.sockets.length, 1);
  client.close();

  const waiting = world.client();
  world.socket.end();
  waiting.close();
  await advance(60_000);
  assert.equal(world.sockets.length, 2);
});

test("where no server is, connect gives up after its deadline and says why", async () => {
  const client = world.client({ connectDeadlineMs: 5_000 });
  const ready = watch(client.ready);
  world.socket.onerror({ message: "connect ECONNREFUSED" });
  world.socket.end();
  await advance(5_100);
  assert.equal(ready.error.code, "unreachable");
  assert.match(ready.error.message, /ECONNREFUSED/);
});

test("a WebSocket that throws on an address is one that cannot be reached", async () => {
  const { connect } = await import("../../../tradegame/controller/http/site/tradegame.js");
  class WebSocket {
    constructor() {
      throw new SyntaxError("not from here");
    }
  }
  const ready = watch(connect("ws://one.example/ws", { WebSocket, connectDeadlineMs: 2_000 }));
  await advance(2_100);
  assert.equal(ready.error.code, "unreachable");
});
