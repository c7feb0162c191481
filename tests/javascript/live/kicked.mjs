// A player who is kicked has stopped; a game that is deleted is gone, and the rest goes on.

import assert from "node:assert/strict";
import { collect, conclude, connect, host, until } from "./lib/test.mjs";

const [ann, ben] = [await connect("ann"), await connect("ben")];
const [hers, his] = [await ann.join("bazaar"), await ben.join("bazaar")];
const shown = collect(hers);
const states = [];
ann.on("state", ({ state }) => states.push(state));
await host("DELETE", `/v1/players/${ann.player.id}`);
await until(() => ann.connection.state === "stopped");
await shown.reading;
assert.deepEqual([ann.connection.code, hers.ended, states.includes("reconnecting")], ["4501", true, false]);
await assert.rejects(hers.buy("grain", 1), { code: "closed", definite: true });
await assert.rejects(connect(undefined, { token: ann.token }), { code: "unauthorized" });

const gone = new Promise((resolve) => his.on("gone", resolve));
await host("DELETE", "/v1/games/bazaar");
assert.equal((await gone).code, "unknown_game");
assert.deepEqual([his.ended, ben.games.size, ben.connection.state], [true, 0, "live"]);
assert.deepEqual(await ben.list(), []);
conclude();
