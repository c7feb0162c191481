// A client of tradegame.v1 in a language that is not the server's, written from docs/protocol.md alone. It plays
// against a running server and checks what that page promises.
//
//   node client.mjs ws://HOST:PORT/ws
//
// The server must have a game "bazaar" as tests/e2e/test_node_client.py configures it. TRADEGAME_ADMIN_TOKEN in the
// environment adds the host's requests. Prints TAP; exits 0 when every check passed, else 1.

import assert from "node:assert/strict";
import { errors } from "./checks/errors.mjs";
import { exactlyOnce } from "./checks/exactly_once.mjs";
import { following } from "./checks/following.mjs";
import { handshake, patience } from "./checks/handshake.mjs";
import { host } from "./checks/host.mjs";
import { http } from "./checks/http.mjs";
import { limits } from "./checks/limits.mjs";
import { looking } from "./checks/looking.mjs";
import { trading } from "./checks/trading.mjs";
import { Connection, violations } from "./lib/connection.mjs";
import { check, conclude, group } from "./lib/tap.mjs";

const RUN_DEADLINE_MS = 360_000;

const [url] = process.argv.slice(2);
if (!URL.canParse(url ?? "") || !/^wss?:$/.test(new URL(url).protocol)) {
  console.error("usage: node client.mjs ws://HOST:PORT/ws");
  process.exit(2);
}
const base = new URL("/", url);
base.protocol = base.protocol === "wss:" ? "https:" : "http:";
const adminToken = process.env.TRADEGAME_ADMIN_TOKEN ?? "";
const context = { url, http: base.href, adminToken, game: "bazaar", housed: "grain", bare: "wood" };

setTimeout(() => {
  console.log("Bail out! the run did not end in time");
  process.exit(1);
}, RUN_DEADLINE_MS).unref();

const patient = patience(context);
const heartbeatS = await check("hello", async () => {
  const connection = await Connection.signedIn(url, { name: "First" });
  await connection.close();
  return connection.welcome.server.heartbeat_s;
});
if (heartbeatS === undefined) process.exit(conclude()); // nobody there: the rest would only wait

await group("handshake and closing", () => handshake(context));
await looking(context);
await trading(context);
await group("errors", () => errors(context));
await following(context);
await group("exactly once", () => exactlyOnce(context));
await group("HTTP", () => http(context));
if (adminToken) await group("the host", () => host(context));
await group("limits", () => limits(context));
await group("patience", () => patient(heartbeatS));

await check("every frame of the whole run was of the form the protocol gives, and no seq was missing", () => {
  const shown = violations.slice(0, 10).map(({ where, problem }) => `${problem.message}\n  in ${where}`);
  assert.equal(violations.length, 0, `${violations.length}:\n${shown.join("\n")}`);
});

Connection.closeAll();
process.exit(conclude());
