// What a join chooses for its player is said when somebody chooses, not when a game is resumed.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { account, stopTheClock, World } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const chosen = () => world.socket.of("join").map((join) => join.cancel_on_disconnect);
const careful = { me: { ...account(), cancel_on_disconnect: true } };

test("each choice for a disconnect is said, and the join that resumes a game is none", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { cancelOnDisconnect: true });
  world.socket.show(10, careful);
  const game = await joining;
  assert.equal(await client.join("bazaar"), game);
  const changing = client.join("bazaar", { cancelOnDisconnect: false });
  world.socket.show(10);
  assert.equal(await changing, game);
  const again = client.join("bazaar", { cancelOnDisconnect: true });
  world.socket.show(10, careful);
  assert.equal(await again, game);
  assert.deepEqual(chosen(), [true, false, true]);
  world.socket.end();
  await world.next();
  world.socket.greet();
  assert.deepEqual(world.socket.last("join").after, { epoch: "e1", seq: 10 });
  world.socket.recover(careful);
  assert.deepEqual(chosen(), [undefined]);
});

test("a choice whose answer was lost is said again, and undone by nothing", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { cancelOnDisconnect: true });
  world.socket.show(10, careful);
  await joining;
  const changing = client.join("bazaar", { cancelOnDisconnect: false });
  world.socket.end();
  await world.next();
  world.socket.greet();
  assert.deepEqual(new Set(chosen()), new Set([undefined, false]));
  changing.catch(() => {});
});

test("what was chosen for a disconnect is said once more to a game that was made anew", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { cancelOnDisconnect: true });
  world.socket.show(10, careful);
  await joining;
  world.socket.end();
  await world.next();
  world.socket.greet().show(3, { epoch: "e2" });
  assert.deepEqual(chosen(), [undefined, true]);
  world.socket.show(3, { epoch: "e2", ...careful });
  assert.equal(client.connection.state, "live");
  world.socket.end();
  await world.next();
  world.socket.greet().show(3, { epoch: "e3", ...careful }); // another client of the player has told it
  assert.deepEqual(chosen(), [undefined]);
});

test("a spectator chooses nothing", async () => {
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar", { spectate: true, cancelOnDisconnect: true });
  assert.equal("cancel_on_disconnect" in world.socket.last("join"), false);
  world.socket.show(10, { me: undefined });
  await joining;
});
