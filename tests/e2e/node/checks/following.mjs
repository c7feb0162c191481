// Following a game: the numbered frames, the mirror made from them, whispers, presence, and resuming.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check, group } from "../lib/tap.mjs";
import { cancelAll, pushes, signedInAndJoined } from "./common.mjs";

export async function following(context) {
  await group("news of a game", () => news(context));
  await group("resuming", () => resuming(context));
}

/** A good deal of everything that can happen, by two players. */
async function bustle({ game, housed, bare }, one, two, rounds) {
  for (let i = 0; i < rounds; i += 1) {
    await one.ok("order", { game, good: bare, side: "ask", qty: 2, price: 12 + (i % 3) });
    await two.ok("buy", { game, good: bare, qty: 1 });
    await two.ok("order", { game, good: bare, side: "bid", qty: 1, price: 11 });
    await two.ok("buy", { game, good: housed, qty: 3 });
    await one.ok("say", { game, text: `the price is ${12 + (i % 3)} ✓` });
    await cancelAll(one, game);
    await cancelAll(two, game);
    await two.ok("sell", { game, good: housed, qty: 2 });
    await one.ok("order", { game, good: bare, side: "bid", qty: 1, price: 10 });
    await two.ok("sell", { game, good: bare, qty: 1 });
  }
}

async function news(context) {
  const { url, game, housed, bare } = context;
  const one = await signedInAndJoined(url, game, { name: "One" });
  const two = await signedInAndJoined(url, game, { name: "Two" });

  await check("a player who joins is announced to the others", async () => {
    const from = one.frames.length;
    const third = await Connection.signedIn(url, { name: "Third" });
    const reply = await third.join(game);
    const { frame, event } = await one.event("joined", game, (each) => each.type === "joined" && each.name === "Third", from);
    assert.deepEqual(event, { type: "joined", player: third.player, name: "Third" });
    assert.ok(reply.seq >= frame.seq, "the reply's seq holds the join itself");
    const again = await Connection.signedIn(url, { token: third.token });
    await again.join(game);
    await two.ok("say", { game, text: "after the second join" });
    await one.event("the message", game, (each) => each.text === "after the second join", from);
    const joins = pushes(one, "events", from).flatMap((each) => each.events)
      .filter((each) => each.type === "joined" && each.player === third.player);
    assert.equal(joins.length, 1, "joining again is no news");
    await Promise.all([third.close(), again.close()]);
  });

  await check("a mirror made of state and events equals the state of a fresh join", async () => {
    for (let i = 0; i < 3; i += 1) {
      await bustle(context, one, two, 1);
      const fresh = await Connection.signedIn(url);
      const { seq, state } = await fresh.join(game, { spectate: true });
      await one.caughtUp(game, seq);
      await two.caughtUp(game, seq);
      assert.deepEqual(one.mirrors.get(game).history.get(seq), state);
      assert.deepEqual(two.mirrors.get(game).history.get(seq), state);
      await fresh.close();
    }
  }, 40_000);

  await check("book shows the same best five as the mirror", async () => {
    for (const good of [housed, bare]) {
      const { seq, bids, asks, last } = await one.ok("book", { game, good, depth: 5 });
      await one.caughtUp(game, seq);
      const mirrored = one.mirrors.get(game).history.get(seq).goods[good];
      assert.deepEqual({ bids, asks, last }, { bids: mirrored.bids, asks: mirrored.asks, last: mirrored.last });
    }
  });

  await check("a message to all reaches all, in one frame", async () => {
    const from = [one.frames.length, two.frames.length];
    const { seq } = await one.ok("say", { game, text: "good morning" });
    const matches = (each) => each.type === "said" && each.text === "good morning";
    const heard = [await one.event("said", game, matches, from[0]), await two.event("said", game, matches, from[1])];
    for (const { frame, event } of heard) {
      assert.deepEqual(event, { type: "said", player: one.player, text: "good morning", number: event.number });
      assert.equal(frame.seq, seq);
    }
  });

  await check("a message to one reaches that player and its sender, on every connection that joined, and nobody else", async () => {
    const third = await signedInAndJoined(url, game);
    const elsewhere = await Connection.signedIn(url, { token: two.token });
    await elsewhere.join(game);
    const from = new Map([one, two, third, elsewhere].map((each) => [each, each.frames.length]));
    await one.ok("say", { game, text: "between us", to: two.player });
    for (const each of [one, two, elsewhere]) {
      const whisper = await each.until("the whisper", (frame) => frame.push === "whisper", from.get(each));
      assert.deepEqual(
        { ...whisper, seq: 0, at: 0 },
        { push: "whisper", game, seq: 0, player: one.player, to: two.player, text: "between us", at: 0 },
      );
    }
    const { seq } = await one.ok("say", { game, text: "aloud again" });
    await third.caughtUp(game, seq);
    assert.ok(!third.frames.slice(from.get(third)).some(({ raw }) => raw.includes("between us")));
    const { state } = await third.join(game);
    assert.ok(!JSON.stringify(state).includes("between us"));
    await Promise.all([third.close(), elsewhere.close()]);
  });

  await check("an account push goes to every connection of the player that joined, to no other player", async () => {
    const elsewhere = await Connection.signedIn(url, { token: two.token });
    await elsewhere.join(game);
    const from = [elsewhere.frames.length, one.frames.length];
    const { seq } = await two.ok("buy", { game, good: housed, qty: 1 });
    const push = await elsewhere.until("the account", (each) => each.push === "account" && each.seq === seq, from[0]);
    assert.deepEqual({ ...push.account, worth: 0, start: 0 }, { ...(await two.ok("me", { game })), worth: 0, start: 0 });
    await one.caughtUp(game, seq);
    await one.ok("ping");
    assert.deepEqual(pushes(one, "account", from[1]).filter((each) => each.seq === seq), []);
    await elsewhere.close();
  });

  await check("presence: the full list after a join, and deltas as players come and go", async () => {
    const from = one.frames.length;
    const third = await signedInAndJoined(url, game);
    const here = [one, two, third].map((each) => each.player);
    await third.until("all three", () => here.every((each) => third.online.get(game).has(each)));
    await one.until("online", (each) => each.push === "presence" && each.online.includes(third.player), from);
    const left = one.frames.length;
    third.drop();
    await one.until("offline", (each) => each.push === "presence" && each.offline.includes(third.player), left);
  });

  await Promise.all([one.close(), two.close()]);
}

async function resuming(context) {
  const { url, game } = context;
  const one = await signedInAndJoined(url, game, { name: "Steady" });
  const two = await signedInAndJoined(url, game, { name: "Busy" });
  const epoch = one.joined.epoch;

  await check("a resumed client gets exactly the missed frames, byte for byte, then live ones", async () => {
    for (let i = 0; i < 3; i += 1) {
      const wanderer = await signedInAndJoined(url, game);
      await wanderer.caughtUp(game, (await one.ok("say", { game, text: `before ${i}` })).seq);
      const mirror = wanderer.mirrors.get(game);
      wanderer.drop();
      await wanderer.closed;
      const { seq } = mirror;
      await bustle(context, one, two, 1);
      const busy = bustle(context, one, two, 1); // goes on while the other one comes back
      const back = await Connection.signedIn(url, { token: wanderer.token });
      const reply = await back.join(game, { after: { epoch, seq } }, { mirror });
      assert.equal(reply.recovered, true);
      assert.equal(reply.seq, seq);
      assert.equal(reply.epoch, epoch);
      await busy;
      const last = (await two.ok("say", { game, text: `after ${i}` })).seq;
      await Promise.all([back.caughtUp(game, last), one.caughtUp(game, last)]);
      const seen = one.rawEvents(game, seq + 1, last);
      assert.ok(seen.length === last - seq && seen.length > 10, `${seen.length} frames of ${last - seq}`);
      assert.deepEqual(back.rawEvents(game, 0, last), seen);
      assert.deepEqual(mirror.history.get(last), one.mirrors.get(game).history.get(last));
      await back.close();
    }
  }, 60_000);

  await check("resuming with nothing missed recovers with nothing", async () => {
    const back = await Connection.signedIn(url);
    const { seq, epoch: same } = await back.join(game);
    const mirror = back.mirrors.get(game);
    const reply = await back.join(game, { after: { epoch: same, seq: mirror.seq } }, { mirror });
    assert.equal(reply.recovered, true);
    assert.ok(reply.seq >= seq);
    await back.close();
  });

  await check("resuming in another epoch is not recovered, and brings the whole state", async () => {
    const back = await Connection.signedIn(url);
    const reply = await back.join(game, { after: { epoch: `${epoch}x`, seq: 1 } });
    assert.equal(reply.recovered, false);
    assert.equal(reply.epoch, epoch);
    await one.caughtUp(game, reply.seq);
    assert.deepEqual(one.mirrors.get(game).history.get(reply.seq), reply.state);
    await back.close();
  });

  await check("resuming after a frame that never was is not recovered, and brings the whole state", async () => {
    const back = await Connection.signedIn(url);
    const reply = await back.join(game, { after: { epoch, seq: 1_000_000_000 } });
    assert.equal(reply.recovered, false);
    await back.close();
  });

  await check("the last 1 000 frames can be had, in order, even if they are long", async () => {
    const { seq: start } = await two.ok("me", { game }).then(() => two.ok("say", { game, text: "here it begins" }));
    const text = "baa ".repeat(100);
    const talkers = [];
    let last = start;
    while (last < start + 1_000) {
      const talker = await signedInAndJoined(url, game);
      const { burst } = talker.welcome.server;
      for (let i = 0; i < Math.min(burst - 5, 100) && last < start + 1_000; i += 1) {
        last = (await talker.ok("say", { game, text })).seq;
      }
      talkers.push(talker);
      if (talkers.length > 10) talkers.shift().drop();
    }
    await one.caughtUp(game, last);
    const now = one.mirrors.get(game).seq;
    const back = await Connection.signedIn(url);
    const wanted = now - 999;
    const reply = await back.join(game, { after: { epoch, seq: wanted }, spectate: true }, {
      mirror: { seq: wanted, apply() {} },
    });
    assert.equal(reply.recovered, true);
    await back.until("the last of them", (each) => each.push === "events" && each.seq >= now);
    assert.deepEqual(back.rawEvents(game, 0, now), one.rawEvents(game, wanted + 1, now));
    for (const talker of talkers) talker.drop();
    await back.close();
  }, 120_000);

  await check("too far back is either recovered to the last frame, or answered with the whole state", async () => {
    const back = await Connection.signedIn(url);
    const seen = { seq: 0, apply({ seq }) { assert.equal(seq, this.seq + 1); this.seq = seq; } };
    const reply = await back.join(game, { after: { epoch, seq: 0 }, spectate: true }, { mirror: seen });
    const { seq } = await one.ok("say", { game, text: "the end" });
    await back.until("the message", (each) => each.push === "events" && each.seq === seq);
    assert.equal(back.mirrors.get(game).seq >= seq, true);
    if (reply.recovered) assert.equal(back.rawEvents(game, 1, seq).length, seq);
    else assert.ok(reply.seq > 1_000);
    await back.close();
  });
  await Promise.all([one.close(), two.close()]);
}
