// What the ticket foretells, and the candles of the chart: pure, so that no page is needed.

import assert from "node:assert/strict";
import { test } from "node:test";

const site = "../../../tradegame/controller/http/site/js";
const { affordable, met, others, valued, walk } = await import(`${site}/play/quote.js`);
const { Candles } = await import(`${site}/common/candles.js`);

const ASKS = [
  [20, 5],
  [30, 10],
  [1_000, 50],
];

test("a walk takes the best levels first and stops at the limit", () => {
  const { filled, left, cost, worst } = walk(ASKS, 12, null, true, 0);
  assert.deepEqual([filled, left, cost, worst], [12, 0, 5 * 20 + 7 * 30, 30]);
  assert.deepEqual(walk(ASKS, 100, 30, true, 0).left, 85);
  assert.equal(
    walk(
      [
        [90, 3],
        [80, 3],
      ],
      5,
      85,
      false,
      0,
    ).filled,
    3,
  );
});

test("a fee is rounded up once, over all levels", () => {
  assert.equal(walk(ASKS, 12, null, true, 100).fees, 4); // 1 % of 310
  assert.equal(walk([[10, 10]], 1, null, true, 100).fees, 1);
  assert.equal(walk([[10, 10]], 10, null, true, 0).fees, 0);
});

test("one's own orders are no liquidity, and are cancelled when the walk comes by", () => {
  const own = [
    { side: "ask", price: 20, qty: 5 },
    { side: "ask", price: 1_000, qty: 20 },
  ];
  const rest = others(ASKS, own);
  assert.deepEqual(rest, [
    [30, 10],
    [1_000, 30],
  ]);
  assert.deepEqual(met(own, walk(rest, 5, null, true, 0), null, true), [own[0]]);
  assert.deepEqual(met(own, walk(rest, 100, null, true, 0), null, true), own);
  assert.deepEqual(met(own, walk(rest, 100, 30, true, 0), 30, true), [own[0]]);
});

test("what is affordable is paid whatever the fees, and what rests has none", () => {
  assert.equal(affordable(ASKS, 100, null, 0), 5);
  assert.equal(affordable(ASKS, 100, null, 100), 4);
  assert.equal(affordable([], 1_000_000, 100, 100, true), 10_000);
  assert.equal(affordable(ASKS, 1_000, 25, 0, true), 5 + 36);
  for (const [cash, bps] of [
    [137, 0],
    [399, 125],
    [5_000, 9],
  ]) {
    const most = affordable(ASKS, cash, null, bps);
    const [paid, more] = [most, most + 1].map((qty) => walk(ASKS, qty, null, true, bps));
    assert.ok(paid.cost + paid.fees <= cash && cash < more.cost + more.fees);
  }
});

test("units are worth their own values: the next ones to a buyer, the last ones to a seller", () => {
  assert.equal(valued([100, 80, 60], 1, 2, true), 140);
  assert.equal(valued([100, 80, 60], 1, 5, true), 140);
  assert.equal(valued([100, 80, 60], 3, 2, false), 140);
});

test("candles hold what was traded, and quiet times show but do not run away", () => {
  const candles = new Candles(5);
  candles.add([10_000, 20, 1]);
  candles.add([12_000, 25, 2]);
  candles.add([26_000, 22, 1]);
  assert.deepEqual(
    candles.list.map(({ time }) => time),
    [10, 15, 20, 25],
  );
  assert.deepEqual(candles.list[0], { time: 10, open: 20, high: 25, low: 20, close: 25, volume: 3 });
  assert.deepEqual(candles.list[2], { time: 20, open: 25, high: 25, low: 25, close: 25, volume: 0 });
  assert.equal(candles.fresh, 3);
  candles.add([10_000_000, 22, 1]);
  assert.equal(candles.list.length, 4 + 60 + 1);
  candles.add([10_000_500, 23, 1]);
  assert.equal(candles.fresh, 0);
});
