// What is served over HTTP on the same port, to everybody.

import assert from "node:assert/strict";
import { Connection } from "../lib/connection.mjs";
import { check } from "../lib/tap.mjs";
import * as s from "../lib/shape.mjs";
import * as wire from "../lib/wire.mjs";

export async function http({ url, http: base, adminToken, game, housed }) {
  const get = (path, options = {}) => fetch(new URL(path, base), { signal: AbortSignal.timeout(10_000), ...options });

  const json = async (path, status, options) => {
    const answer = await get(path, options);
    const text = await answer.text();
    assert.equal(answer.status, status, `${path}: ${answer.status} ${text}`);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/, path);
    s.onlyIntegers(text);
    return JSON.parse(text);
  };

  await check("GET /healthz and /readyz are 200", async () => {
    assert.equal((await get("/healthz")).status, 200);
    assert.equal((await get("/readyz")).status, 200);
  });

  await check("GET /metrics is Prometheus text", async () => {
    const answer = await get("/metrics");
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /^text\/plain/);
    const text = await answer.text();
    assert.match(text, /^# TYPE \S+ (counter|gauge|histogram|summary|untyped|info)$/m);
    for (const line of text.trim().split("\n")) {
      assert.match(line, /^(#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? \S+( \S+)?)$/, line);
    }
  });

  await check("GET /v1/games is the list that games gives", async () => {
    const player = await Connection.signedIn(url);
    const { games } = await json("/v1/games", 200);
    games.forEach((each) => wire.gameSummary(each));
    const live = (await player.ok("games")).games;
    assert.deepEqual(games.map((each) => each.game).sort(), live.map((each) => each.game).sort());
    await player.close();
  });

  await check("GET /v1/games/{game} is the public state", async () => {
    const answer = await json(`/v1/games/${game}`, 200);
    wire.shownGame(answer);
    assert.equal(answer.game, game);
    assert.ok(housed in answer.goods);
  });

  await check("GET /v1/games/{game}/standings is what standings gives", async () => {
    wire.ok.standings(await json(`/v1/games/${game}/standings`, 200));
    assert.equal((await json(`/v1/games/${game}/standings?limit=1`, 200)).standings.length, 1);
    const { error } = await json(`/v1/games/${game}/standings?limit=101`, 400);
    assert.equal(error.code, "bad_request");
  });

  await check("an unknown game is 404 unknown_game", async () => {
    for (const path of ["/v1/games/nowhere", "/v1/games/nowhere/standings"]) {
      const answer = await json(path, 404);
      wire.httpError(answer);
      assert.equal(answer.error.code, "unknown_game");
    }
  });

  await check("an unknown path is 404 not_found, a wrong method 405", async () => {
    const missing = await json("/v1/nothing", 404);
    wire.httpError(missing);
    assert.equal(missing.error.code, "not_found");
    const method = await json(`/v1/games/${game}`, 405, { method: "PUT" });
    wire.httpError(method);
    assert.equal(method.error.code, "method_not_allowed");
  });

  await check("GET / is a page", async () => {
    const page = await get("/");
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type"), /^text\/html/);
  });

  await check("the host's requests need the admin's token", async () => {
    const body = JSON.stringify({ id: "mine", title: "Mine", cash: 1, goods: { wood: { endowment: 1 } } });
    const requests = [
      ["/v1/games", { method: "POST", body }],
      [`/v1/games/${game}`, { method: "DELETE" }],
      [`/v1/games/${game}/phase`, { method: "POST", body: '{"phase": "closed"}' }],
      [`/v1/games/${game}/news`, { method: "POST", body: '{"text": "x"}' }],
      [`/v1/games/${game}/log`, {}],
      ["/v1/players/nobody", { method: "DELETE" }],
    ];
    for (const [path, options] of requests) {
      for (const wrong of [{}, { authorization: "Bearer wrong" }, { authorization: "Basic d3Jvbmc6d3Jvbmc=" }]) {
        const headers = { "content-type": "application/json", ...wrong };
        const response = await get(path, { ...options, headers });
        const answer = await response.json();
        wire.httpError(answer);
        // Guesses are slowed down; a request without a token is none.
        const expected = wrong.authorization && response.status === 429 ? [429, "rate_limited"] : [401, "unauthorized"];
        assert.deepEqual([response.status, answer.error.code], expected, path);
      }
    }
    await json(`/v1/games/${game}`, 200);
  });
}
