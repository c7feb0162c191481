// Signing in and looking: hello, ping, games, join, spectate, me, book, standings, leave. The shape of each reply is
// checked in `ok`.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check, group } from "../lib/tap.mjs";
import { signedInAndJoined } from "./common.mjs";

export async function looking(context) {
  await group("hello and ping", () => hello(context));
  await group("looking at games", () => games(context));
}

async function hello({ url }) {
  await check("ping is answered before hello, with the time", async () => {
    const connection = await Connection.open(url);
    const { at } = await connection.ok("ping");
    assert.ok(Math.abs(at - Date.now()) < 60_000, `at ${at}`);
    await connection.close();
  });

  await check("hello with a name makes a player of that name", async () => {
    const connection = await Connection.signedIn(url, { name: "Ælfrēd 🐑", client: "node" });
    assert.equal(connection.welcome.player.name, "Ælfrēd 🐑");
    assert.equal(connection.welcome.server.frame_bytes, 16_384);
    assert.equal(new URL(connection.welcome.server.nodes[0]).host, new URL(url).host, "the first is this node");
    await connection.close();
  });

  await check("hello with a live token is the same player with the same name", async () => {
    const first = await Connection.signedIn(url, { name: "Ada" });
    const again = await Connection.signedIn(url, { token: first.token });
    assert.deepEqual(again.welcome.player, first.welcome.player);
    await first.close();
    const third = await Connection.signedIn(url, { token: again.token, name: "Another" });
    assert.deepEqual(third.welcome.player, first.welcome.player, "a name beside a token is ignored");
    await Promise.all([again.close(), third.close()]);
  });

  await check("two hellos without a token are two players", async () => {
    const [one, two] = await Promise.all([Connection.signedIn(url), Connection.signedIn(url)]);
    assert.notEqual(one.player, two.player);
    assert.notEqual(one.token, two.token);
    await Promise.all([one.close(), two.close()]);
  });

  await check("a bad token is unauthorized and the connection stays open for another hello", async () => {
    const connection = await Connection.open(url);
    await connection.error("unauthorized", "hello", { token: "no such token" });
    await connection.error("not_authenticated", "games");
    await connection.ok("hello");
    await connection.ok("games");
    await connection.close();
  });

  await check("a second hello is a bad_request", async () => {
    const connection = await Connection.signedIn(url);
    await connection.error("bad_request", "hello");
    await connection.ok("games");
    await connection.close();
  });

  await check("an id comes back as it went: integers to the bounds, strings to 64 characters", async () => {
    const connection = await Connection.open(url);
    for (const id of ["-9223372036854775808", "18446744073709551615", "0", `"${"x".repeat(64)}"`, '"é\\u00e9\\n"']) {
      const from = connection.frames.length;
      const parsed = JSON.parse(id);
      await connection.requestText(`{"id": ${id}, "op": "ping"}`, parsed);
      if (!id.startsWith('"')) {
        const { raw } = connection.frames[from];
        assert.ok(new RegExp(`"id":\\s*${id}[,}]`).test(raw), `${id} came back in ${raw}`);
      }
    }
    await connection.close();
  });
}

async function games({ url, game, housed, bare }) {
  const player = await signedInAndJoined(url, game, { name: "Looker" });

  await check("games lists the game with its goods", async () => {
    const { games } = await player.ok("games");
    const found = games.find((each) => each.game === game);
    assert.deepEqual([...found.goods].sort(), [housed, bare].sort());
    assert.equal(found.phase, "open");
    assert.equal(found.epoch, player.mirrors.get(game).epoch);
    assert.ok(found.players >= 1);
  });

  await check("a join's state shows the player, and its me is the account that me shows", async () => {
    const other = await Connection.signedIn(url, { name: "Newcomer" });
    const reply = await other.join(game);
    assert.equal(reply.recovered, false);
    assert.deepEqual(reply.state.players[other.player], { name: "Newcomer" });
    assert.equal(reply.me.cash, 10_000);
    assert.equal(reply.me.goods[bare], 10);
    assert.equal(reply.me.held_cash, 0);
    assert.deepEqual(reply.me.orders, []);
    const me = await other.ok("me", { game });
    assert.deepEqual({ ...me, worth: 0, start: 0 }, { ...reply.me, worth: 0, start: 0 });
    await other.close();
  });

  await check("a spectator follows without an account", async () => {
    const spectator = await Connection.signedIn(url);
    const reply = await spectator.join(game, { spectate: true });
    assert.ok(!(spectator.player in reply.state.players));
    await player.ok("say", { game, text: "for the gallery" });
    await spectator.event("the message", game, (each) => each.type === "said" && each.text === "for the gallery");
    await spectator.error("not_joined", "say", { game, text: "may I?" });
    await spectator.close();
  });

  await check("book shows the house's five levels a side, and depth cuts it", async () => {
    const whole = await player.ok("book", { game, good: housed });
    assert.equal(whole.good, housed);
    assert.ok(whole.bids.length >= 5 && whole.bids.length <= 10, JSON.stringify(whole));
    assert.ok(whole.asks.length >= 5 && whole.asks.length <= 10, JSON.stringify(whole));
    const best = await player.ok("book", { game, good: housed, depth: 1 });
    assert.equal(best.bids.length, 1);
    assert.equal(best.asks.length, 1);
    await player.ok("book", { game, good: housed, depth: 100 });
  });

  await check("a good without a house has no last price before its first trade", async () => {
    const { goods } = player.mirrors.get(game).state;
    if (goods[bare].recent.length === 0) assert.equal(goods[bare].last, null);
    assert.ok(goods[housed].last >= 1);
  });

  await check("standings are ranked by worth, as many as asked for", async () => {
    const { standings } = await player.ok("standings", { game, limit: 100 });
    assert.ok(standings.some((each) => each.player === player.player && each.name === "Looker"));
    for (let i = 1; i < standings.length; i += 1) {
      const [above, here] = [standings[i - 1], standings[i]];
      assert.ok(here.worth <= above.worth);
      assert.equal(here.rank, here.worth === above.worth ? above.rank : i + 1);
    }
    assert.equal((await player.ok("standings", { game, limit: 1 })).standings.length, 1);
  });

  await check("after leave there is no more news, and the account stays", async () => {
    const other = await Connection.signedIn(url);
    await other.join(game);
    await other.ok("say", { game, text: "goodbye" });
    await other.ok("leave", { game });
    const from = other.frames.length;
    const { seq } = await player.ok("say", { game, text: "is it gone?" });
    await player.caughtUp(game, seq);
    assert.equal((await other.ok("me", { game })).cash, 10_000);
    assert.deepEqual(other.frames.slice(from).filter(({ frame }) => frame.push === "events"), []);
    await other.close();
  });
  await player.close();
}
