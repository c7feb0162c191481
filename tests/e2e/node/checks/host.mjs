// The host's side: making a game, phases, news, deleting, kicking. Needs the admin's token.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check, within } from "../lib/tap.mjs";
import * as wire from "../lib/wire.mjs";
import { cancelAll, signedInAndJoined } from "./common.mjs";

export async function host({ url, http: base, adminToken, game: standing }) {
  const game = `made-${Date.now().toString(36)}`;
  const definition = { id: game, title: "Made by hand", cash: 500, fee_bps: 150, goods: { salt: { endowment: 4 } } };

  const call = async (method, path, body) => {
    const answer = await fetch(new URL(path, base), {
      method,
      signal: AbortSignal.timeout(10_000),
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, text };
  };

  const done = async (method, path, body) => {
    const { status, text } = await call(method, path, body);
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${status} ${text}`);
    return text;
  };

  const fails = async (status, code, method, path, body) => {
    const answer = await call(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
    const parsed = JSON.parse(answer.text);
    wire.httpError(parsed);
    assert.equal(parsed.error.code, code);
  };

  await check("a game is made, and made only once", async () => {
    await done("POST", "/v1/games", definition);
    await fails(409, "game_exists", "POST", "/v1/games", definition);
    await fails(400, "bad_request", "POST", "/v1/games", { ...definition, id: "Bad Id" });
    await fails(400, "bad_request", "POST", "/v1/games", { ...definition, id: `${game}2`, colour: "red" });
  });

  const player = await signedInAndJoined(url, game, { name: "Salter" });
  const other = await signedInAndJoined(url, game, { name: "Pepper" });
  const { epoch } = player.joined;

  await check("the taker pays the fee beside the cost, rounded up", async () => {
    await player.ok("order", { game, good: "salt", side: "ask", qty: 3, price: 11 });
    const bought = await other.ok("buy", { game, good: "salt", qty: 3 });
    assert.deepEqual(bought, { filled: 3, cost: 33, fee: 1, cash: 466, seq: bought.seq });
    await other.ok("order", { game, good: "salt", side: "bid", qty: 1, price: 100 });
    const sold = await player.ok("sell", { game, good: "salt", qty: 1 });
    assert.deepEqual(sold, { filled: 1, proceeds: 100, fee: 2, cash: 533 + 98, seq: sold.seq });
  });

  await check("news is heard, with its good where it has one", async () => {
    const from = player.frames.length;
    await done("POST", `/v1/games/${game}/news`, { text: "a ship came in" });
    const plain = await player.event("the news", game, (each) => each.type === "news", from);
    assert.deepEqual(plain.event, { type: "news", text: "a ship came in" });
    const next = player.frames.length;
    await done("POST", `/v1/games/${game}/news`, { text: "salt is scarce", good: "salt" });
    const named = await player.event("the news", game, (each) => each.type === "news", next);
    assert.deepEqual(named.event, { type: "news", text: "salt is scarce", good: "salt" });
    await fails(404, "unknown_good", "POST", `/v1/games/${game}/news`, { text: "x", good: "gold" });
    await fails(400, "bad_request", "POST", `/v1/games/${game}/news`, { words: "x" });
    await fails(404, "unknown_game", "POST", "/v1/games/nowhere/news", { text: "x" });
  });

  await check("a closed game takes no orders, gives back what was held, and tells so", async () => {
    await player.ok("order", { game, good: "salt", side: "bid", qty: 1, price: 10 });
    const from = player.frames.length;
    await done("POST", `/v1/games/${game}/phase`, { phase: "closed" });
    const { frame, event } = await player.event("the round", game, (each) => each.type === "round", from);
    assert.equal(event.phase, "closed");
    const push = await player.until("the account", (each) => each.push === "account" && each.seq === frame.seq, from);
    assert.deepEqual([push.account.held_cash, push.account.orders], [0, []]);
    await player.error("not_open", "buy", { game, good: "salt", qty: 1 });
    await player.error("not_open", "sell", { game, good: "salt", qty: 1 });
    await player.error("not_open", "order", { game, good: "salt", side: "bid", qty: 1, price: 1 });
    await player.ok("say", { game, text: "well played" });
    const { games } = await player.ok("games");
    assert.equal(games.find((each) => each.game === game).phase, "closed");
  });

  await check("a mirror is right over a closing", async () => {
    const { seq, state } = await other.ok("join", { game, spectate: true });
    await player.caughtUp(game, seq);
    assert.deepEqual(player.mirrors.get(game).history.get(seq), state);
    await other.join(game);
  });

  await check("opening again starts a new round with accounts made afresh", async () => {
    const from = player.frames.length;
    const before = player.mirrors.get(game).state.round;
    await done("POST", `/v1/games/${game}/phase`, { phase: "open" });
    const { event } = await player.event("the round", game, (each) => each.type === "round", from);
    assert.deepEqual([event.phase, event.round], ["open", before + 1]);
    let me = await player.ok("me", { game });
    while (me.cash === 0) {
      // dealt to a moment after the round event
      await new Promise((resolve) => setTimeout(resolve, 100));
      me = await player.ok("me", { game });
    }
    assert.deepEqual([me.cash, me.goods.salt], [500, 4]);
    await fails(400, "bad_request", "POST", `/v1/games/${game}/phase`, { phase: "ajar" });
  });

  await check("a mirror is right over a new round", async () => {
    const fresh = await Connection.signedIn(url);
    const { seq, state } = await fresh.join(game, { spectate: true });
    await player.caughtUp(game, seq);
    assert.deepEqual(player.mirrors.get(game).history.get(seq), state);
    await fresh.close();
  });

  await check("the log can be had, as JSON lines", async () => {
    await cancelAll(player, game);
    const lines = (await done("GET", `/v1/games/${game}/log`)).trim().split("\n");
    assert.ok(lines.length > 5);
    lines.forEach((line) => JSON.parse(line));
  });

  await check("a deleted game is gone for those who follow it, and unknown after", async () => {
    const from = player.frames.length;
    await done("DELETE", `/v1/games/${game}`);
    const gone = await player.until("gone", (each) => each.push === "gone", from);
    assert.deepEqual(gone, { push: "gone", game, epoch });
    await player.error("unknown_game", "me", { game });
    await fails(404, "unknown_game", "DELETE", `/v1/games/${game}`);
  });

  await check("a game made anew has another epoch, and an old place in it is not recovered", async () => {
    await done("POST", "/v1/games", definition);
    const fresh = await Connection.signedIn(url, { token: player.token });
    const reply = await fresh.join(game, { after: { epoch, seq: 1 } });
    assert.equal(reply.recovered, false);
    assert.notEqual(reply.epoch, epoch);
    assert.deepEqual([reply.me.cash, reply.me.goods.salt], [500, 4]);
    await fresh.close();
    await done("DELETE", `/v1/games/${game}`);
  });

  await check("a kicked player is closed with 4501 on every connection, and the token works no more", async () => {
    const [here, there] = [await signedInAndJoined(url, standing), await Connection.open(url)];
    await there.ok("hello", { token: here.token });
    await done("DELETE", `/v1/players/${here.player}`);
    for (const each of [here, there]) assert.equal((await within(8_000, "the kick", each.closed)).code, 4501);
    const back = await Connection.open(url);
    await back.error("unauthorized", "hello", { token: here.token });
    await back.close();
    await fails(404, "unknown_player", "DELETE", "/v1/players/nobody");
  });
  await Promise.all([player.close(), other.close()]);
}
