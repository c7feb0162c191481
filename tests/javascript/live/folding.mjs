// The state that the client makes of the events equals the server's after hundreds of random commands, rounds and
// news, each time the server is asked.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { collect, conclude, connect, gap, host, others, until } from "./lib/test.mjs";

const [seed] = others.map(Number);
let chance = seed;
const random = (most) => {
  chance = (chance * 1_103_515_245 + 12_345) % 2 ** 31;
  return Math.floor((chance / 2 ** 31) * most);
};
const pick = (list) => list[random(list.length)];

const wall = await connect("wall");
const seen = await wall.join("rounds", { spectate: true });
const shown = collect(seen);
/** The state as it was at each place. */
const history = new Map();
const remember = () => history.set(seen.seq, structuredClone(seen.state));
seen.on("events", remember);
remember();

const clients = await Promise.all(Array.from({ length: 6 }, (_, index) => connect(`player ${index}`)));
const players = await Promise.all(clients.map((client) => client.join("rounds")));
const counts = { done: 0, refused: 0, compared: 0 };

async function command() {
  const game = pick(players);
  const good = pick(["grain", "grain", "grain", "wood", "bond"]);
  const deeds = [
    () => game.order(good, pick(["bid", "ask"]), 1 + random(5), 15 + random(20)),
    () => game.buy(good, 1 + random(4)),
    () => game.sell(good, 1 + random(4)),
    () => game.say(`${pick(["dear", "cheap", "ä€\u{1f33e}"])} ${random(1_000)}`),
    () => (game.me.orders.length ? game.cancel(pick(game.me.orders).order) : game.say("nothing to cancel")),
  ];
  try {
    await pick(deeds)();
    counts.done += 1;
  } catch (error) {
    assert.ok(error.definite, error);
    counts.refused += 1;
  }
}

async function compare() {
  const { game, epoch, seq, ...state } = await (
    await fetch(new URL("/v1/games/rounds", `http://${new URL(process.argv[2]).host}`))
  ).json();
  await until(() => seen.seq >= seq);
  assert.deepEqual(history.get(seq), state, `at ${seq}`);
  assert.deepEqual([game, epoch], ["rounds", seen.epoch]);
  counts.compared += 1;
}

for (let step = 0; step < 40; step += 1) {
  await Promise.all(Array.from({ length: 30 }, command));
  if (step % 2)
    await host("POST", "/v1/games/rounds/news", {
      text: `news ${step}`,
      ...(step % 4 === 1 ? { good: "grain", anchor_bps: 500 } : {}),
    });
  if (step % 8 === 7)
    for (const phase of pick([
      ["closed", "open"],
      ["closed", "lobby", "open"],
      ["lobby", "open"],
    ])) {
      await host("POST", "/v1/games/rounds/phase", { phase });
      await compare();
    }
  await compare();
}

const late = await (await connect("late")).join("rounds", { spectate: true });
await until(() => history.has(late.seq));
assert.deepEqual(history.get(late.seq), late.state);
for (const [index, game] of players.entries()) {
  await until(() => game.seq >= late.seq);
  let me = await clients[index].request("me", { game: "rounds" });
  // a hint that is pushed behind that answer makes one more question
  for (let again = 0; again < 3 && !isDeepStrictEqual(game.me, me); again += 1)
    me = await clients[index].request("me", { game: "rounds" });
  assert.deepEqual(game.me, me);
  const [seq, state] = [game.seq, structuredClone(game.state)];
  await until(() => history.has(seq)); // the wall may hear of it later
  assert.deepEqual(state, history.get(seq));
}
assert.equal(gap(shown.frames), undefined);
assert.equal(shown.frames[0].seq + shown.frames.length - 1, seen.seq);
const { state } = seen;
conclude({
  ...counts,
  trades: state.goods.grain.recent.length,
  messages: state.messages.length,
  news: state.news.length,
  round: state.round,
});
