// What the play page works out: worth and gains, the book's depth, what an order would come to, the last ten seconds.

import assert from "node:assert/strict";
import { test } from "node:test";

const site = "../../../tradegame/controller/http/site/js/play";
const { gained, units, worth } = await import(`${site}/worth.js`);
const { deepen } = await import(`${site}/depth.js`);
const { foresee } = await import(`${site}/foretell.js`);
const { lastSecond } = await import(`${site}/signals.js`);
const { stepped } = await import(`${site}/stepper.js`);
const { advice, firstStep } = await import(`${site}/private_values.js`);

const SELLER = { role: "seller", values: { wheat: [90, 60, 30] }, cash: 1_000, held_cash: 0 };
const BUYER = { role: "buyer", values: { wheat: [150, 120, 80] }, cash: 1_000, held_cash: 0 };
const traded = (bought, cost, sold, proceeds) => ({ wheat: { bought, cost, sold, proceeds, fees: 0 } });
const state = (fields) => ({
  phase: "open",
  goods: { wheat: { bids: [], asks: [], mark: null } },
  rules: { goods: { wheat: { endowment: 0 } } },
  ...fields,
});
const having = (me, free, held, positions) => ({
  ...me,
  goods: { wheat: free },
  held_goods: { wheat: held },
  positions,
});

test("a seller sells the cheapest unit first, a buyer buys the dearest", () => {
  assert.deepEqual(units(having(SELLER, 3, 0), "wheat"), { list: [30, 60, 90], done: 0, next: 30 });
  assert.deepEqual(units(having(SELLER, 1, 1, traded(0, 0, 1, 70)), "wheat").next, 60);
  assert.deepEqual(units(having(BUYER, 2, 0, traded(2, 100, 0, 0)), "wheat"), {
    list: [150, 120, 80],
    done: 2,
    next: 80,
  });
  assert.equal(units(having(BUYER, 3, 0, traded(3, 100, 0, 0)), "wheat").next, null);
  assert.equal(units(having({ cash: 5 }, 3, 0), "wheat"), null);
});

test("after a close, when all units are paid out, the next unit is still the same", () => {
  assert.equal(units(having(SELLER, 0, 0, traded(0, 0, 1, 70)), "wheat").next, 60);
  assert.equal(units(having(BUYER, 0, 0, traded(1, 100, 0, 0)), "wheat").next, 120);
});

test("worth and gains go by the player's own values", () => {
  const game = { state: state(), me: having({ ...BUYER, cash: 900 }, 1, 0, traded(1, 100, 0, 0)) };
  assert.equal(worth(game), 900 + 150);
  assert.equal(gained(game), 50);
});

test("what is asked for stands behind the levels that come by themselves", () => {
  const live = [10, 11, 12, 13, 14].map((price) => [price, 1]);
  const asked = [9, 11, 14, 15, 17, 18, 19, 20, 21].map((price) => [price, 2]);
  assert.deepEqual(
    deepen(live, asked, false).map(([price]) => price),
    [10, 11, 12, 13, 14, 15, 17, 18, 19, 20],
  );
  assert.deepEqual(deepen(live.slice(1), asked, false), live.slice(1));
  const bids = [14, 13, 12, 11, 10].map((price) => [price, 1]);
  assert.deepEqual(deepen(bids, [[10, 3], [8, 3]], true).at(-1), [8, 3]); // biome-ignore format: a pair
});

test("an order is known to lose before it is sent", () => {
  const order = { good: "wheat", buying: true, resting: false, qty: 2, limit: null };
  const levels = [
    [110, 1],
    [130, 5],
  ];
  const buyer = having(BUYER, 0, 0);
  assert.deepEqual([foresee(order, levels, buyer, 0, 0).gain, foresee(order, levels, buyer, 0, 0).cost], [30, 240]);
  assert.equal(foresee({ ...order, qty: 3 }, levels, buyer, 0, 0).gain, 150 + 120 + 80 - 370);
  assert.equal(foresee({ ...order, qty: 2 }, levels, buyer, 0, 20).gain, -10); // taxed
  assert.equal(foresee({ ...order, resting: true, qty: 1, limit: 160 }, [], buyer, 0, 0).gain, -10);
  assert.equal(foresee({ ...order, qty: 2 }, [], buyer, 0, 0).gain, null);
  const seller = having(SELLER, 3, 0);
  const sale = { ...order, buying: false, qty: 1 };
  assert.equal(foresee(sale, [[25, 1]], seller, 0, 0).gain, -5);
  assert.equal(foresee(sale, [[25, 1]], having({ cash: 0 }, 3, 0), 0, 0).gain, null);
});

test("an open round that ends by itself has ten last seconds, and a pause none", () => {
  const open = { phase: "open", ends_at: 60_000 };
  assert.deepEqual(
    [49_000, 50_000, 50_001, 59_100, 60_000, 61_000].map((now) => lastSecond(open, now)),
    [0, 10, 10, 1, 0, 0],
  );
  assert.equal(lastSecond({ ...open, paused_at: 55_000 }, 55_000), 0);
  assert.equal(lastSecond({ ...open, phase: "closed" }, 55_000), 0);
  assert.equal(lastSecond({ ...open, ends_at: null }, 55_000), 0);
});

test("a step begins at what is known, and stays within the bounds", () => {
  assert.equal(stepped("", 1, 173, 1_000), 173);
  assert.equal(stepped("5", -1, 173, 1_000), 4);
  assert.equal(stepped("1", -1, 173, 1_000), 1);
  assert.equal(stepped("1000", 1, 173, 1_000), 1_000);
  assert.equal(stepped("1e", 1, 7, 1_000), 7);
});

test("who sees nothing is told what to do first", () => {
  // without a catalogue, a text is its key
  assert.equal(firstStep({ me: having(BUYER, 0, 0), state: state() }, "wheat"), "first.bid");
  assert.equal(firstStep({ me: having(SELLER, 3, 0), state: state() }, "wheat"), "first.ask");
  assert.equal(firstStep({ me: having({}, 3, 0), state: state() }, "wheat"), "first.order");
  assert.equal(firstStep({ me: having(BUYER, 0, 0), state: state({ phase: "lobby" }) }, "wheat"), "chart.none");
  const quoted = (bids, asks, more) => state({ goods: { wheat: { bids, asks, mark: null, last: 85 } }, ...more });
  assert.equal(firstStep({ me: having(BUYER, 0, 0), state: quoted([[60, 1]], []) }, "wheat"), "chart.none");
  assert.equal(firstStep({ me: having(SELLER, 3, 0), state: quoted([[60, 1]], []) }, "wheat"), "first.ask");
  assert.equal(firstStep({ me: having({}, 3, 0), state: quoted([], [[23, 9]]) }, "wheat"), "chart.none");
  assert.equal(firstStep({ me: having(BUYER, 0, 0), state: quoted([], [], { phase: "closed" }) }, "wheat"), "");
});

test("what is advised counts the round's tax, and no order of one's own", () => {
  const taxed = (bids, asks) =>
    state({
      goods: { wheat: { bids, asks, mark: null } },
      treatment: { goods: { wheat: { buyer_tax: 40, seller_tax: 5 } } },
    });
  const advised = (me, bids, asks) => advice({ me: having(me, 3, 0), state: taxed(bids, asks) }, "wheat", 100);
  assert.equal(advised(BUYER, [], [[60, 1]]), "private.would_earn");
  assert.equal(advised(BUYER, [], [[61, 1]]), "private.ask_too_dear");
  assert.equal(advised(SELLER, [[105, 1]], []), "private.would_earn");
  assert.equal(advised(SELLER, [[104, 1]], []), "private.bid_too_low");
  const mine = { ...BUYER, orders: [{ good: "wheat", side: "ask", qty: 1, price: 60 }] };
  assert.equal(advised(mine, [], [[60, 1]]), "private.buy_for_less");
  const poor = { ...BUYER, values: { wheat: [40] } };
  assert.equal(firstStep({ me: having(poor, 0, 0), state: taxed([], []) }, "wheat"), "chart.none");
});
