// What a join chooses for its player is said again where the server may not know it.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { stopTheClock, World } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

test("what was chosen for a disconnect is said once, and again when the game is resumed", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { cancelOnDisconnect: true });
  assert.equal(world.socket.last("join").cancel_on_disconnect, true);
  world.socket.show(10);
  const game = await joining;
  assert.equal(await client.join("bazaar", { cancelOnDisconnect: true }), game);
  assert.equal(await client.join("bazaar"), game);
  assert.equal(world.socket.of("join").length, 1);
  world.socket.end();
  await world.next();
  world.socket.greet();
  const { after, cancel_on_disconnect } = world.socket.last("join");
  assert.deepEqual([after, cancel_on_disconnect], [{ epoch: "e1", seq: 10 }, true]);
  world.socket.show(10);
  const changing = client.join("bazaar", { cancelOnDisconnect: false });
  assert.equal(world.socket.last("join").cancel_on_disconnect, false);
  world.socket.show(10);
  assert.equal(await changing, game);
});

test("a choice whose answer was lost is not undone by the join that resumes the game", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { cancelOnDisconnect: true });
  world.socket.show(10);
  await joining;
  const changing = client.join("bazaar", { cancelOnDisconnect: false });
  world.socket.end();
  await world.next();
  world.socket.greet();
  const said = world.socket.of("join").map((join) => join.cancel_on_disconnect);
  assert.ok(said.length > 0);
  assert.ok(said.every((choice) => choice === false));
  changing.catch(() => {});
});

test("a spectator chooses nothing", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { spectate: true, cancelOnDisconnect: true });
  assert.equal("cancel_on_disconnect" in world.socket.last("join"), false);
  world.socket.show(10, { me: undefined });
  await joining;
});
