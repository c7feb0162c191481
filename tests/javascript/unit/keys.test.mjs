// What a client says so that late copies of a command are told from new commands.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { account, advance, settled, stopTheClock, World, watch } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const copy = ({ key, since, epoch }) => ({ key, since, epoch });
const told = ({ since, epoch }) => [since, epoch];

async function back(world, fields) {
  await world.next();
  return world.socket.greet().recover(fields);
}

test("a command says what the client was told by joins, answers and accounts, the highest of it", async () => {
  const { game, socket } = await world.playing();
  watch(game.say("a"));
  socket.ok(socket.last("say"), { seq: 11, keys: 1 });
  watch(game.say("b"));
  socket.refuse(socket.last("say"), "not_joined", { keys: 5 });
  watch(game.say("c"));
  socket.say({ push: "account", game: "bazaar", seq: 11, account: account(9, 9) });
  watch(game.say("d"));
  socket.say({ push: "account", game: "bazaar", seq: 11, account: account(9, 4) });
  watch(game.say("e"));
  assert.deepEqual(
    socket.of("say").map(told),
    [0, 1, 5, 9, 9].map((since) => [since, "e1"]),
  );
});

test("every copy that may be carried out says the same", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "unavailable");
  watch(game.say("newer"));
  socket.ok(socket.last("say"), { seq: 11, keys: 7 });
  await advance(500);
  socket.end();
  await back(world, { me: account(9, 8) });
  const copies = [...socket.of("buy"), ...world.socket.of("buy")].map(copy);
  assert.equal(copies.length, 3);
  for (const each of copies) assert.deepEqual(each, copies[0]);
  assert.equal(copies[0].since, 0);
});

test("what was surely not taken in says the newest when it is sent again", async () => {
  const { game, socket } = await world.playing();
  watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "rate_limited", { retry_after_ms: 100 });
  watch(game.say("newer"));
  socket.ok(socket.last("say"), { seq: 11, keys: 7 });
  await advance(1_000);
  assert.deepEqual(
    socket.of("buy").map(({ since }) => since),
    [0, 7],
  );
});

test("the only copy, if stale, did nothing: the command is made anew, with another key", async () => {
  const { game, socket } = await world.playing();
  const buy = watch(game.buy("grain", 1));
  socket.refuse(socket.last("buy"), "stale", { keys: 300 });
  const [first, second] = socket.of("buy");
  assert.notEqual(first.key, second.key);
  assert.deepEqual([first.since, second.since], [0, 300]);
  socket.ok(second, { filled: 1, seq: 11, keys: 301 });
  await settled();
  assert.equal(buy.value.filled, 1);
});

test("a stale copy of a command in doubt is told, and nothing is sent again", async () => {
  const { game, socket } = await world.playing();
  const buy = watch(game.buy("grain", 1));
  socket.end();
  await back(world);
  world.socket.refuse(world.socket.last("buy"), "stale", { keys: 300 });
  await settled();
  const { code, definite, since, epoch, key } = buy.error;
  assert.deepEqual([code, definite, since, epoch, key], ["stale", false, 0, "e1", socket.last("buy").key]);
  assert.equal(world.socket.of("buy").length, 1);
});

test("when the key of a late command cannot be taken for it is too old, nobody knows", async () => {
  const { game, socket } = await world.playing({ unsentMs: 5_000, deadlineMs: 600_000 });
  const buy = watch(game.buy("grain", 1));
  const sent = copy(socket.last("buy"));
  socket.end();
  await advance(20_000);
  if (world.socket.readyState === 3) await world.next();
  world.socket.greet().recover({ me: account(9, 300) });
  const taken = world.socket.last("cancel");
  assert.deepEqual([taken.order, copy(taken)], ["-", sent]);
  world.socket.refuse(taken, "stale", { keys: 300 });
  await settled();
  assert.deepEqual([buy.error.code, buy.error.definite], ["stale", false]);
});

test("a copy that was written down is the same after a restart", async () => {
  const first = await world.playing();
  const written = JSON.parse(JSON.stringify(first.game.newCopy()));
  const { game, socket } = await world.playing();
  socket.say({ push: "account", game: "bazaar", seq: 10, account: account(9, 50) });
  const buy = watch(game.buy("grain", 1, { limit: 5, ...written }));
  assert.deepEqual(copy(socket.last("buy")), written);
  socket.refuse(socket.last("buy"), "stale", { keys: 300 });
  await settled();
  assert.deepEqual([buy.error.code, buy.error.definite, socket.of("buy").length], ["stale", false, 1]);
});

test("the text of a key in doubt stands for the same copy", async () => {
  const { client, game, socket } = await world.playing();
  const fields = { game: "bazaar", good: "grain", qty: 1, key: "mine" };
  const buy = watch(client.request("buy", fields, { deadlineMs: 1_000 }));
  await advance(1_100);
  assert.deepEqual([buy.error.code, buy.error.definite], ["timeout", false]);
  socket.say({ push: "account", game: "bazaar", seq: 10, account: account(9, 300) });
  const again = watch(game.buy("grain", 1, { key: "mine" }));
  assert.deepEqual(socket.of("buy").map(copy), Array(2).fill({ key: "mine", since: 0, epoch: "e1" }));
  socket.refuse(socket.last("buy"), "stale", { keys: 300 });
  await settled();
  assert.deepEqual([again.error.code, again.error.definite], ["stale", false]);
});

test("at another epoch everything that was told is over", async () => {
  const { game, socket } = await world.playing();
  watch(game.say("a"));
  socket.ok(socket.last("say"), { seq: 11, keys: 9 });
  const order = watch(game.cancel("o1"));
  socket.say({ push: "gone", game: "bazaar", epoch: "e1" });
  await advance(1_100);
  socket.show(3, { epoch: "e2", me: account(9, 2) });
  socket.refuse(socket.last("cancel"), "epoch_over");
  await settled();
  assert.deepEqual([order.error.code, order.error.definite], ["epoch_over", true]);
  watch(game.say("b"));
  assert.deepEqual(told(socket.last("say")), [2, "e2"]);
});

test("a store that went back is believed", async () => {
  const { game, socket } = await world.playing();
  socket.say({ push: "account", game: "bazaar", seq: 10, account: account(9, 50) });
  watch(game.say("a"));
  socket.refuse(socket.last("say"), "ahead", { keys: 20 });
  assert.deepEqual(
    socket.of("say").map(({ since }) => since),
    [50, 20],
  );
});

test("to a server of before nothing is said that it does not know", async () => {
  const { keys: _, ...before } = account();
  const client = world.client();
  world.socket.greet();
  const joining = client.join("bazaar");
  world.socket.show(10, { me: before });
  watch((await joining).say("a"));
  assert.deepEqual(Object.keys(world.socket.last("say")).sort(), ["game", "id", "key", "op", "text"]);
});
