// What goes wrong, and how the server says so.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check } from "../lib/tap.mjs";
import { cancelAll, signedInAndJoined } from "./common.mjs";

export async function errors({ url, game, housed, bare }) {
  // Where frames are sent as text, nothing waits for the rate: those checks have a player of their own.
  const player = await signedInAndJoined(url, game);
  const trade = { game, good: bare };

  await check("a bad field is a bad_request whose at names it", async () => {
    const cases = [
      ["buy", { ...trade, qty: "3" }, "$.qty"],
      ["buy", { ...trade, qty: true }, "$.qty"],
      ["buy", { ...trade, qty: 1.5 }, "$.qty"],
      ["buy", { ...trade, qty: null }, "$.qty"],
      ["buy", { ...trade, qty: 0 }, "$.qty"],
      ["buy", { ...trade, qty: -1 }, "$.qty"],
      ["buy", { ...trade, qty: 1_000_001 }, "$.qty"],
      ["buy", { ...trade, qty: 1, limit: 0 }, "$.limit"],
      ["buy", { ...trade, qty: 1, limit: 1_000_000_001 }, "$.limit"],
      ["buy", { ...trade, qty: 1, limit: null }, "$.limit"],
      ["buy", { ...trade, qty: 1, key: "k".repeat(65) }, "$.key"],
      ["buy", { ...trade, qty: 1, key: 7 }, "$.key"],
      ["buy", { ...trade, qty: 1, colour: "red" }, "$.colour"],
      ["sell", { ...trade, game: "No Game!", qty: 1 }, "$.game"],
      ["sell", { ...trade, good: "Grain", qty: 1 }, "$.good"],
    ];
    for (const [op, fields, at] of cases) {
      const error = await player.error("bad_request", op, fields);
      assert.equal(error.at, at, `${op} ${JSON.stringify(fields)}: ${JSON.stringify(error)}`);
      await player.ok("ping");
    }
  });

  await check("a bad field of other requests is named too", async () => {
    const cases = [
      ["order", { ...trade, side: "buy", qty: 1, price: 1 }, "$.side"],
      ["order", { ...trade, side: "bid", qty: 1, price: 0 }, "$.price"],
      ["book", { ...trade, depth: 0 }, "$.depth"],
      ["book", { ...trade, depth: 101 }, "$.depth"],
      ["standings", { game, limit: 101 }, "$.limit"],
      ["say", { game, text: "" }, "$.text"],
      ["say", { game, text: "x".repeat(501) }, "$.text"],
      ["cancel", { game, order: "o".repeat(65) }, "$.order"],
      ["join", { game, spectate: 1 }, "$.spectate"],
      ["join", { game, after: { epoch: 7, seq: 0 } }, "$.after.epoch"],
      ["join", { game, after: { epoch: "e", seq: "0" } }, "$.after.seq"],
      ["join", { game, after: { epoch: "e", seq: 0, more: 1 } }, "$.after.more"],
      ["ping", { game }, "$.game"],
    ];
    for (const [op, fields, at] of cases) {
      const error = await player.error("bad_request", op, fields);
      assert.equal(error.at, at, `${op} ${JSON.stringify(fields)}: ${JSON.stringify(error)}`);
      await player.ok("ping");
    }
  });

  await check("a missing field is a bad_request with an at", async () => {
    for (const [op, fields] of [["buy", trade], ["say", { game }], ["join", {}], ["order", { ...trade, qty: 1 }]]) {
      const error = await player.error("bad_request", op, fields);
      assert.ok(error.at?.startsWith("$"), JSON.stringify(error));
      await player.ok("ping");
    }
  });

  await check("a number that JavaScript would take for an integer is none: 1.0, 1e3", async () => {
    const sender = await signedInAndJoined(url, game);
    for (const qty of ["1.0", "1e3", "1E0", "-0.0"]) {
      const reply = await sender.requestText(
        `{"id": "n${qty}", "op": "buy", "game": "${game}", "good": "${bare}", "qty": ${qty}}`,
        `n${qty}`,
      );
      assert.equal(reply.error?.code, "bad_request", `${qty}: ${JSON.stringify(reply)}`);
      assert.equal(reply.error.at, "$.qty");
      await sender.ok("ping");
    }
    await sender.close();
  });

  await check("a name of hello is 1 to 32 printable characters", async () => {
    const connection = await Connection.open(url);
    for (const name of ["", "x".repeat(33), "a\nb", "a\u0000b", "a\u007fb", 7]) {
      const error = await connection.error("bad_request", "hello", { name });
      assert.equal(error.at, "$.name", JSON.stringify(name));
      await connection.ok("ping");
    }
    await connection.ok("hello", { name: "x".repeat(32) });
    await connection.close();
  });

  await check("500 characters are said and heard, whatever they are", async () => {
    const sender = await signedInAndJoined(url, game);
    const text = "🐑".repeat(498) + '"\\';
    const { seq } = await sender.ok("say", { game, text });
    await sender.caughtUp(game, seq);
    assert.equal(sender.mirrors.get(game).state.messages.at(-1).text, text);
    await sender.close();
  });

  await check("what is no JSON object, or has no op, is an error with id null", async () => {
    const sender = await signedInAndJoined(url, game);
    const nothing = ["", "no JSON", "[]", "7", '"ping"', "null", "{}", '{"id": 7}', '{"op": "ping"', "[".repeat(16_000)];
    for (const frame of nothing) {
      const from = sender.frames.length;
      sender.send(frame);
      const reply = await sender.until(`the answer to ${frame.slice(0, 20)}`, (each) => "error" in each, from);
      assert.equal(reply.id, null, `${frame.slice(0, 20)}: ${JSON.stringify(reply)}`);
      assert.equal(reply.error.code, "bad_request");
      await sender.ok("ping");
    }
    await sender.close();
  });

  await check("an id that is none is a bad_request with id null", async () => {
    const sender = await signedInAndJoined(url, game);
    for (const id of ["1.5", "true", "[]", "{}", `"${"x".repeat(65)}"`, "18446744073709551616", "1e400"]) {
      const from = sender.frames.length;
      sender.send(`{"id": ${id}, "op": "ping"}`);
      const reply = await sender.until(`the answer to id ${id}`, (each) => "error" in each || "ok" in each, from);
      assert.equal(reply.id, null, `${id}: ${JSON.stringify(reply)}`);
      assert.equal(reply.error.code, "bad_request");
      await sender.ok("ping");
    }
    await sender.close();
  });

  await check("an id of null is no value, and a bad_request too", async () => {
    const sender = await signedInAndJoined(url, game);
    const from = sender.frames.length;
    sender.send('{"id": null, "op": "ping"}');
    await sender.ok("ping");
    const answers = sender.frames.slice(from).map(({ frame }) => frame).filter((each) => each.id === null);
    assert.deepEqual(answers.map(({ error }) => [error?.code, error?.at]), [["bad_request", "$.id"]]);
    await sender.close();
  });

  await check("a request without an id is carried out unanswered; only its error comes, with id null", async () => {
    const sender = await signedInAndJoined(url, game);
    const from = sender.frames.length;
    sender.send(JSON.stringify({ op: "say", game, text: "no answer, please" }));
    sender.send(JSON.stringify({ op: "say", game: "nowhere", text: "x" }));
    const reply = await sender.until("the error", (each) => "error" in each, from);
    assert.deepEqual([reply.id, reply.error.code], [null, "unknown_game"]);
    await sender.event("the message", game, (each) => each.text === "no answer, please", from);
    await sender.ok("ping");
    assert.deepEqual(sender.frames.slice(from).filter(({ frame }) => frame.id === null && "ok" in frame), []);
    await sender.close();
  });

  await check("half a surrogate pair breaks nothing", async () => {
    const sender = await signedInAndJoined(url, game);
    const text = `{"id": "half", "op": "say", "game": "${game}", "text": "\\ud83d"}`;
    const reply = await sender.requestText(text, "half");
    assert.equal(reply.error?.code ?? "bad_request", "bad_request", JSON.stringify(reply));
    await sender.ok("me", { game });
    await sender.close();
  });

  await check("unknown op, game, good, player, order", async () => {
    await player.error("unknown_op", "fly");
    await player.error("unknown_game", "join", { game: "nowhere" });
    await player.error("unknown_game", "me", { game: "nowhere" });
    await player.error("unknown_game", "buy", { game: "nowhere", good: housed, qty: 1 });
    await player.error("unknown_game", "standings", { game: "nowhere" });
    await player.error("unknown_good", "buy", { game, good: "unobtainium", qty: 1 });
    await player.error("unknown_good", "order", { game, good: "unobtainium", side: "bid", qty: 1, price: 1 });
    await player.error("unknown_good", "book", { game, good: "unobtainium" });
    await player.error("unknown_player", "say", { game, text: "psst", to: "nobody" });
    await player.error("unknown_order", "cancel", { game, order: "no-such-order" });
  });

  await check("another player's order is unknown", async () => {
    const other = await signedInAndJoined(url, game);
    const { order } = await other.ok("order", { ...trade, side: "ask", qty: 1, price: 1_000 });
    await player.error("unknown_order", "cancel", { game, order });
    await cancelAll(other, game);
    await other.close();
  });

  await check("anything but hello and ping before hello is not_authenticated", async () => {
    const connection = await Connection.open(url);
    await connection.ok("ping");
    await connection.error("not_authenticated", "games");
    await connection.error("not_authenticated", "join", { game });
    await connection.error("not_authenticated", "buy", { ...trade, qty: 1 });
    await connection.close();
  });

  await check("a command without an account is not_joined", async () => {
    const connection = await Connection.signedIn(url);
    await connection.error("not_joined", "buy", { ...trade, qty: 1 });
    await connection.error("not_joined", "sell", { ...trade, qty: 1 });
    await connection.error("not_joined", "order", { ...trade, side: "bid", qty: 1, price: 1 });
    await connection.error("not_joined", "cancel", { game, order: "x" });
    await connection.error("not_joined", "say", { game, text: "hello?" });
    await connection.error("not_joined", "me", { game });
    await connection.ok("book", trade);
    await connection.ok("standings", { game });
    await connection.close();
  });

  await check("what free funds do not cover fails and changes nothing", async () => {
    const other = await signedInAndJoined(url, game);
    await other.ok("order", { ...trade, side: "ask", qty: 1, price: 1_000_000 });
    const before = await player.ok("me", { game });
    await player.error("insufficient_cash", "buy", { ...trade, qty: 1 });
    await player.error("insufficient_cash", "order", { ...trade, side: "bid", qty: 11, price: 1_000 });
    await player.error("insufficient_goods", "sell", { game, good: housed, qty: 1 });
    await player.error("insufficient_goods", "order", { ...trade, side: "ask", qty: 11, price: 5_000_000 });
    const after = await player.ok("me", { game });
    assert.deepEqual({ ...after, worth: 0, start: 0 }, { ...before, worth: 0, start: 0 });
    await cancelAll(other, game);
    await other.close();
  });

  await check("held goods are not free", async () => {
    await player.ok("order", { ...trade, side: "ask", qty: 10, price: 5_000 });
    await player.error("insufficient_goods", "order", { ...trade, side: "ask", qty: 1, price: 5_001 });
    await cancelAll(player, game);
  });
  await player.close();
}
