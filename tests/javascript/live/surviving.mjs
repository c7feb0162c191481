// Under load, the server is killed and restarted, or one of its nodes is killed for good. Nothing is lost, nothing is
// done twice, and no follower sees a gap.
//
//   node surviving.mjs ws://…/ws DEED…    the deeds are asked for one after another, while the players go on

import assert from "node:assert/strict";
import { ask, collect, conclude, connect, gap, others, until } from "./lib/test.mjs";

const CASH = 10_000;
const clients = await Promise.all(["ann", "ben", "cat"].map((name) => connect(name)));
const games = await Promise.all(clients.map((client) => client.join("bazaar")));
const wall = await connect("wall");
const seen = await wall.join("bazaar", { spectate: true });
const shown = collect(seen);
const own = games.map(collect);

/** What each player was told: every command's answers, and what they add up to. */
const ledgers = games.map(() => ({ cash: CASH, grain: 0, said: [], settled: [], refused: 0 }));
let going = true;

async function trade(game, ledger, number) {
  const mine = ledger.settled.length;
  ledger.settled.push(0);
  const once = () => (ledger.settled[mine] += 1);
  try {
    if (number % 3 === 0) {
      const text = `${mine}`;
      ledger.said.push(text);
      await game.say(text).finally(once);
    } else if (number % 3 === 1) {
      const { filled, cost, fee } = await game.buy("grain", 1).finally(once);
      ledger.cash -= cost + fee;
      ledger.grain += filled;
    } else {
      const { filled, proceeds, fee } = await game.sell("grain", 1).finally(once);
      ledger.cash += proceeds - fee;
      ledger.grain -= filled;
    }
  } catch (error) {
    assert.ok(
      ["no_liquidity", "insufficient_goods", "insufficient_cash"].includes(error.code),
      `${error.code}: ${error.message}`,
    );
    assert.ok(error.definite);
    ledger.refused += 1;
  }
}

async function keepTrading(game, ledger, hand) {
  for (let number = hand; going; number += 1) {
    await trade(game, ledger, number);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const hands = games.flatMap((game, index) => [0, 1, 2].map((hand) => keepTrading(game, ledgers[index], hand)));
const settled = () => ledgers.reduce((sum, { settled: all }) => sum + all.filter(Boolean).length, 0);
for (const deed of others) {
  const before = settled();
  await until(() => settled() > before + 60);
  await ask(deed);
  const after = settled();
  await until(() => settled() > after + 60);
}
going = false;
await Promise.all(hands);
await until(() => clients.every(({ connection }) => connection.state === "live" && connection.unanswered === 0));

for (const [index, game] of games.entries()) {
  const ledger = ledgers[index];
  assert.ok(
    ledger.settled.every((times) => times === 1),
    "settled once each",
  );
  const me = await clients[index].request("me", { game: "bazaar" });
  assert.deepEqual([me.cash, me.goods.grain], [ledger.cash, ledger.grain], clients[index].player.name);
  await until(() => game.me.cash === me.cash);
}
const { seq } = await (await connect("late", {}, clients[0].urls)).join("bazaar", { spectate: true });
await until(() => seen.seq >= seq && games.every((game) => game.seq >= seq));
for (const { frames } of [shown, ...own]) {
  assert.equal(gap(frames), undefined);
  for (const [index, client] of clients.entries()) {
    const said = frames
      .flatMap(({ events }) => events)
      .filter(({ type, player }) => type === "said" && player === client.player.id);
    assert.deepEqual(said.map(({ text }) => text).sort(), [...ledgers[index].said].sort());
  }
}
const failovers = [...clients, wall].map((client) => client.failovers);
const urls = clients[0].urls;
conclude({
  settled: settled(),
  refused: ledgers.map(({ refused }) => refused),
  failovers,
  urls,
  frames: shown.frames.length,
});
