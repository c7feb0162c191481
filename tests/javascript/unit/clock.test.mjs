// What time the server has: asked for more than once, and kept where nobody can set it.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { advance, frame, setTheClock, stopTheClock, World } from "./lib/fake.mjs";

const AHEAD = 3_600_000;
let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

/** The server's clock: an hour ahead, and nobody sets it. */
const there = () => performance.now() + AHEAD;

/** Answers what was asked, after so many ms, half of them on the way there. */
async function answer(ms = 10) {
  const ping = world.socket.last("ping");
  await advance(ms / 2);
  const at = Math.floor(there());
  await advance(ms / 2);
  world.socket.ok(ping, { at });
}

/** So many seconds in which everything is answered at once, by a server with that clock. */
async function pass(seconds, clock = there) {
  for (let second = 0; second < seconds; second += 1) {
    const before = world.socket.of("ping").length;
    await advance(1_000);
    for (const ping of world.socket.of("ping").slice(before)) world.socket.ok(ping, { at: clock() });
  }
}

const off = (client) => Math.abs(client.now() - there());

test("a first answer that is three seconds late is made good by the next ones", async () => {
  const { client, socket } = await world.playing();
  const first = socket.last("ping");
  const at = there();
  await advance(3_000);
  socket.ok(first, { at }); // all of it on the way back
  await advance(1_000);
  await answer();
  assert.ok(off(client) <= 10, `${off(client)} ms off`);
});

test("a late answer does not spoil what is known", async () => {
  const { client, socket } = await world.playing();
  await answer();
  await advance(1_000);
  const ping = socket.last("ping");
  const at = there();
  await advance(3_000);
  socket.ok(ping, { at });
  assert.ok(off(client) <= 10, `${off(client)} ms off`);
});

test("setting the machine's clock back or forward during play changes nothing", async () => {
  const { client } = await world.playing();
  await answer();
  for (const ms of [-600_000, 7_200_000, -90]) {
    setTheClock(ms);
    assert.ok(off(client) <= 10, `${off(client)} ms off`);
    await advance(1_000);
    assert.ok(off(client) <= 10, `${off(client)} ms off`);
  }
});

test("four answers in the first seconds, then one a minute, and four again when a clock was set", async () => {
  const { socket } = await world.playing();
  socket.ok(socket.last("ping"), { at: there() });
  await pass(10);
  assert.equal(socket.of("ping").length, 4);
  await pass(170);
  assert.ok(socket.of("ping").length <= 4 + 3, `${socket.of("ping").length} pings`);
  const before = socket.of("ping").length;
  setTheClock(5_000);
  await pass(10);
  assert.ok(socket.of("ping").length >= before + 4);
});

test("a timer that stood still while the machine slept is noticed", async () => {
  const { client } = await world.playing();
  await answer();
  await pass(10);
  const late = 4_000; // the server's clock went on, the machine's too, its timer did not
  setTheClock(late);
  await pass(1, () => there() + late);
  assert.ok(Math.abs(client.now() - there() - late) <= 10);
});

test("a server whose clock is put right is believed", async () => {
  const { client } = await world.playing();
  await answer();
  await pass(10);
  await pass(60, () => there() - AHEAD);
  assert.ok(Math.abs(client.now() - performance.now()) <= 10);
});

test("a game that is ahead of its node goes on from its newest frame, and waits for the node", async () => {
  const { client, game, socket } = await world.playing();
  await answer();
  assert.equal(game.now(), client.now());
  const at = Math.floor(there()) + 10_000;
  socket.say({ ...frame(11), at });
  assert.ok(Math.abs(game.now() - at) <= 1);
  await pass(100);
  assert.ok(Math.abs(game.now() - (at + 95_000)) <= 10);
  socket.say({ ...frame(12), at: at + 94_000 }); // it took a second to get here
  assert.ok(Math.abs(game.now() - (at + 95_000)) <= 10);
  await pass(200);
  assert.equal(game.now(), client.now());
});
