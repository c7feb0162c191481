// Games are followed without a gap, each for itself, through everything that a server may send.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { account, advance, frame, settled, state, stopTheClock, World, watch } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const said = (text) => [{ type: "said", player: "p1", text }];

test("frames that come in the same breath as the answer to join are not lost", async () => {
  const client = world.client();
  const { socket } = world;
  socket.greet();
  const joining = client.join("bazaar");
  socket.show(10);
  socket.say(frame(11, said("at once")));
  const game = await joining;
  assert.deepEqual([game.seq, game.state.messages.at(-1).text], [11, "at once"]);
});

test("a game that cannot be resumed yet delays neither other games nor their commands, and is retried", async () => {
  const { client, game, socket } = await world.playing();
  const joining = client.join("other");
  socket.show(3, { epoch: "e2" });
  const other = await joining;
  const call = watch(other.buy("grain", 1));
  socket.end();
  await world.next();
  world.socket.greet();
  const [first, second] = world.socket.of("join");
  world.socket.refuse(first, "unavailable", { retry_after_ms: 500 });
  world.socket.ok(second, { game: "other", epoch: "e2", seq: 3, recovered: true, me: account() });
  world.socket.ok(world.socket.last("buy"), { seq: 4 });
  world.socket.say({ ...frame(4, said("on we go")), game: "other", epoch: "e2" });
  await settled();
  assert.deepEqual([other.seq, call.settled], [4, 1]);
  assert.deepEqual([client.connection.state, client.connection.reason], ["reconnecting", "it is unavailable"]);
  await advance(2_000);
  assert.deepEqual(world.socket.last("join").after, { epoch: "e1", seq: 10 });
  world.socket.recover();
  assert.equal(client.connection.state, "live");
  world.socket.say(frame(11));
  assert.equal(game.seq, 11);
  assert.equal(world.sockets.length, 2);
});

test("after a gap it joins again from where it stands, and counts no frame twice", async () => {
  const { client, game, socket } = await world.playing();
  socket.say(frame(12, said("after the gap")));
  assert.deepEqual(socket.last("join").after, { epoch: "e1", seq: 10 });
  socket.say(frame(13, said("early")));
  assert.equal(socket.of("join").length, 2);
  socket.recover();
  for (let seq = 11; seq <= 14; seq += 1) socket.say(frame(seq, said(String(seq))));
  socket.say(frame(13, said("an old one")));
  assert.deepEqual([game.seq, game.state.messages.map(({ text }) => text)], [14, ["11", "12", "13", "14"]]);
  assert.equal(client.connection.state, "live");
});

test("a join that is refused after a gap is tried again: the game does not stand still for ever", async () => {
  const { game, socket } = await world.playing();
  socket.say(frame(12));
  for (const code of ["unavailable", "rate_limited", "timeout", "internal"]) {
    socket.refuse(socket.last("join"), code);
    await advance(1_200);
  }
  assert.equal(socket.of("join").length, 6);
  socket.recover();
  socket.say(frame(11));
  assert.equal(game.seq, 11);
});

test("frames that are missing again and again end the connection, not in a storm of joins", async () => {
  const { client, socket } = await world.playing();
  for (let times = 0; times < 10; times += 1) {
    socket.say(frame(12));
    if (socket.readyState === 1) socket.recover();
  }
  assert.equal(client.connection.state, "reconnecting");
  assert.ok(socket.of("join").length < 8);
});

test("another life of the game is shown whole, and readers of events are told that there is a break", async () => {
  const { game, socket } = await world.playing();
  const events = game.events();
  const resets = [];
  game.on("reset", () => resets.push(game.epoch));
  socket.say(frame(1, [], { epoch: "e9" }));
  socket.show(1, { epoch: "e9", state: state({ round: 7 }) });
  socket.say(frame(2, said("new"), { epoch: "e9" }));
  assert.deepEqual([resets, game.state.round, game.seq], [["e9"], 7, 2]);
  const read = [(await events.next()).value, (await events.next()).value];
  assert.deepEqual(
    read.map(({ push, epoch, seq, events: all }) => [push, epoch, seq, all.length]),
    [
      ["reset", "e9", 1, 0],
      ["events", "e9", 2, 1],
    ],
  );
});

test("a deleted game has ended; one that stopped on this node only, or in an earlier epoch, has not", async () => {
  const { client, game, socket } = await world.playing();
  const gone = [];
  game.on("gone", (error) => gone.push(error.code));
  const joins = socket.of("join").length;
  socket.say({ push: "gone", game: "bazaar", epoch: "e0" });
  await advance(1_100);
  assert.equal(socket.of("join").length, joins);
  socket.say({ push: "gone", game: "bazaar", epoch: "e1" });
  await advance(1_100);
  socket.refuse(socket.last("join"), "unavailable");
  await advance(1_200);
  assert.deepEqual([gone, game.ended], [[], false]);
  const reading = watch(game.events().next());
  socket.refuse(socket.last("join"), "unknown_game");
  await settled();
  assert.deepEqual(
    [gone, game.ended, client.games.has("bazaar"), reading.value.done],
    [["unknown_game"], true, false, true],
  );
  assert.equal(client.connection.state, "live");
});

test("what is not of the protocol ends the connection; after it the state is asked for whole", async () => {
  const half = JSON.stringify(frame(11, [...said("one"), { type: "trade", good: "nothing", price: 1, qty: 1 }]));
  const garbage = [
    "no JSON",
    "null",
    "[]",
    "7",
    new Uint8Array([123, 125]),
    half,
    JSON.stringify(frame(11, 7)),
    JSON.stringify({ push: "account", game: "bazaar" }),
  ];
  for (const bad of garbage) {
    world = new World();
    const { client, game, socket } = await world.playing();
    socket.raw(bad);
    assert.equal(client.connection.state, "reconnecting", String(bad));
    socket.say(frame(11, said("from the connection that was given up")));
    await world.next();
    world.socket.greet();
    const resumes = world.socket.last("join").after !== undefined;
    assert.equal(resumes, !String(bad).includes('"events"'), String(bad)); // resuming would bring the same frame again
    if (!resumes) {
      world.socket.show(12);
    } else {
      world.socket.recover();
    }
    assert.deepEqual([client.connection.state, game.state.messages], ["live", []], String(bad));
    world.close();
  }
});

test("an invalid answer ends the connection, and the command continues on the next", async () => {
  for (const bad of [{ error: "no" }, { error: { code: 7 } }, { ok: 7 }, {}]) {
    world = new World();
    const { game, socket } = await world.playing();
    const call = watch(game.buy("grain", 1));
    socket.say({ id: socket.last("buy").id, ...bad });
    await world.next();
    world.socket.greet();
    world.socket.ok(world.socket.last("buy"), { seq: 11 });
    await settled();
    assert.deepEqual([call.settled, call.value.seq], [1, 11], JSON.stringify(bad));
    world.close();
  }
});

test("what a later server may send is passed over", async () => {
  const { client, game, socket } = await world.playing();
  socket.say({ push: "fireworks", game: "bazaar" });
  socket.say({ push: "fireworks", game: "elsewhere" });
  socket.say({ id: null, error: { code: "bad_request", message: "what?", definite: true } });
  socket.say(frame(11, [{ type: "weather", rain: true }]));
  assert.deepEqual([client.connection.state, game.seq], ["live", 11]);
});

test("an account that was pushed before the answer to a join does not replace the newer one in it", async () => {
  const { game, socket } = await world.playing();
  socket.say(frame(12));
  socket.say({ push: "account", game: "bazaar", seq: 11, account: account(1) });
  assert.equal(game.me.cash, 1);
  socket.recover({ me: account(2) });
  assert.equal(game.me.cash, 2);
  socket.say({ push: "account", game: "bazaar", seq: 12, account: account(3) });
  assert.equal(game.me.cash, 3);
});

test("who is here is told afresh after each join", async () => {
  const { game, socket } = await world.playing();
  const presence = (online, offline) => socket.say({ push: "presence", game: "bazaar", online, offline });
  presence(["p1", "p2"], []);
  presence(["p3"], ["p2"]);
  assert.deepEqual([...game.online], ["p1", "p3"]);
  socket.say(frame(12));
  presence(["p9"], []);
  socket.recover();
  presence(["p1"], []);
  assert.deepEqual([...game.online], ["p1"]);
});

test("two who join at once share one game, and it is there only when its state is", async () => {
  const client = world.client();
  world.socket.greet();
  const joins = [client.join("bazaar"), client.join("bazaar")];
  assert.equal(client.games.size, 0);
  world.socket.show();
  const [one, other] = await Promise.all(joins);
  assert.equal(one, other);
  assert.equal(world.socket.of("join").length, 1);
  assert.equal(await client.join("bazaar"), one);
});

test("who looked on may join as a player, and gets an account", async () => {
  const client = world.client();
  world.socket.greet();
  const watching = client.join("bazaar", { spectate: true });
  world.socket.show(10, { me: undefined });
  const game = await watching;
  assert.equal(game.me, null);
  const playing = client.join("bazaar");
  assert.equal(world.socket.last("join").spectate, undefined);
  world.socket.show(11);
  assert.equal(await playing, game);
  assert.deepEqual([game.me.cash, game.spectate], [10_000, false]);
  world.socket.end();
  await world.next();
  world.socket.greet();
  assert.equal(world.socket.last("join").spectate, undefined);
});

test("a game that is left while one joins it as a player stays left, and the join says so", async () => {
  const client = world.client();
  world.socket.greet();
  const watching = client.join("bazaar", { spectate: true });
  world.socket.show(10, { me: undefined });
  const game = await watching;
  const playing = watch(client.join("bazaar"));
  void game.leave();
  world.socket.show(11);
  await settled();
  assert.deepEqual([playing.error.code, client.games.size, world.socket.requests.at(-1).op], ["closed", 0, "leave"]);
});

test("a first join goes on over a reconnect, with its key; refused, it leaves nothing behind", async () => {
  const { client } = await world.playing();
  const joining = client.join("other");
  const { key } = world.socket.last("join");
  world.socket.end();
  await world.next();
  world.socket.greet();
  world.socket.ok(world.socket.of("join")[0], { game: "bazaar", epoch: "e1", seq: 10, recovered: true, me: account() });
  assert.deepEqual([world.socket.last("join").key, world.socket.last("join").after], [key, undefined]);
  world.socket.show(1);
  assert.equal((await joining).seq, 1);
  const refused = watch(client.join("nothing"));
  world.socket.refuse(world.socket.last("join"), "unknown_game");
  await settled();
  assert.deepEqual(
    [refused.error.code, client.games.has("nothing"), world.socket.last("leave").game],
    ["unknown_game", false, "nothing"],
  );
});

test("a leave under way when the connection ends does not leave the game that is joined again", async () => {
  const { client, game, socket } = await world.playing();
  const leaving = watch(game.leave());
  const again = client.join("bazaar");
  socket.end();
  await settled();
  assert.equal(leaving.settled, 1);
  await world.next();
  world.socket.greet().show();
  const back = await again;
  assert.equal(world.socket.of("leave").length, 0);
  world.socket.say(frame(11));
  assert.deepEqual([back.seq, game.seq, game.ended, back.ended], [11, 10, true, false]);
  await game.leave();
  assert.ok(client.games.has("bazaar"), "an old Game left the new one");
});

test("a leave that is refused for now is said again, unless the game was joined again", async () => {
  const { client, game, socket } = await world.playing();
  const leaving = watch(game.leave());
  socket.refuse(socket.last("leave"), "rate_limited", { retry_after_ms: 100 });
  await advance(300);
  assert.equal(socket.of("leave").length, 2);
  socket.refuse(socket.last("leave"), "rate_limited", { retry_after_ms: 100 });
  client.join("bazaar").catch(() => {});
  await advance(300);
  assert.deepEqual([socket.of("leave").length, leaving.settled], [2, 1]);
});

test("a game that is left while a rejoin is under way stays left", async () => {
  const { client, game, socket } = await world.playing();
  socket.say(frame(12));
  void game.leave();
  socket.refuse(socket.last("join"), "unavailable");
  await advance(2_000);
  assert.deepEqual([socket.of("join").length, client.games.size, game.ended], [2, 0, true]);
  socket.say(frame(13));
  assert.equal(game.seq, 10);
});

test("events are all the frames from the call on, for each reader, however late it reads", async () => {
  const { game, socket } = await world.playing();
  const [one, other] = [game.events(), game.events()];
  const waiting = [one.next(), one.next()];
  for (let seq = 11; seq <= 14; seq += 1) socket.say(frame(seq));
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ value }) => value.seq),
    [11, 12],
  );
  const read = [];
  for await (const { seq } of other) {
    read.push(seq);
    if (seq === 14) break;
  }
  assert.deepEqual(read, [11, 12, 13, 14]);
  assert.equal((await other.next()).done, true);
  void game.leave();
  assert.deepEqual(
    [(await one.next()).value.seq, (await one.next()).value.seq, (await one.next()).done],
    [13, 14, true],
  );
});

test("who reads far too late has a bounded queue, and is told that frames are missing", async () => {
  const { game, socket } = await world.playing();
  const events = game.events();
  for (let seq = 11; seq <= 2_500; seq += 1) socket.say(frame(seq));
  const read = [];
  socket.end(4501);
  for await (const { push, seq } of events) read.push([push, seq]);
  assert.ok(read.length <= 1_001);
  assert.equal(read[0][0], "reset");
  assert.ok(read.slice(1).every(([push, seq], index) => push === "events" && seq === read[0][1] + index + 1));
  assert.equal(read.at(-1)[1], 2_500);
});
