// An order that the server's death left without an answer is settled by its key: it happened once.

import assert from "node:assert/strict";
import { ask, conclude, connect, newKey, until } from "./lib/test.mjs";

const ann = await connect("ann");
const game = await ann.join("bazaar");
await ask("pause");
const key = newKey();
let settled = 0;
const order = game.order("wood", "ask", 2, 55, { key }).finally(() => (settled += 1));
assert.equal(ann.connection.unanswered, 1);
await ask("kill");
await until(() => ann.connection.state === "reconnecting");
assert.equal(ann.connection.unanswered, 1);
await ask("start");
const { order: id } = await order;
await until(() => game.me.orders.length === 1 && ann.connection.state === "live");
assert.deepEqual([game.me.orders[0].order, game.me.held_goods.wood, settled, ann.connection.unanswered], [id, 2, 1, 0]);
const again = await game.order("wood", "ask", 2, 55, { key });
assert.deepEqual([again.replayed, again.order], [true, id]);
conclude();
