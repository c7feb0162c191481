// What the pages say of the same thing in two places is the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gridLabels } from "../../../tradegame/controller/http/site/js/common/format.js";
import { ranks } from "../../../tradegame/controller/http/site/js/common/ranks.js";
import { Tapes } from "../../../tradegame/controller/http/site/js/common/tapes.js";
import { limitFor, SLACK_BPS } from "../../../tradegame/controller/http/site/js/play/quote.js";

test("equal is equal rank, and the next one is as many places behind", () => {
  assert.deepEqual(ranks([9, 7, 7, 7, 0, -1, -1]), [1, 2, 2, 2, 5, 6, 6]);
  assert.deepEqual([ranks([]), ranks([0, 0])], [[], [1, 1]]);
});

test("a limit is a little beyond the worst price, and at least a coin", () => {
  assert.deepEqual([limitFor(1_000, true), limitFor(1_000, false)], [1_000 + SLACK_BPS / 10, 1_000 - SLACK_BPS / 10]);
  assert.deepEqual([limitFor(7, true), limitFor(7, false), limitFor(1, false)], [8, 6, 1]);
});

function market(recent, opened_at) {
  const listeners = {};
  const game = {
    state: { opened_at, goods: { grain: { last: recent.at(-1)?.[1] ?? 20, recent } } },
    on: (type, call) => (listeners[type] = call),
  };
  return { game, listeners };
}

test("change and line are of the same trades: those of this round, from its first", () => {
  const { game, listeners } = market(
    [
      [1, 10, 1],
      [5, 20, 1],
      [6, 50, 1],
    ],
    5,
  );
  const tapes = new Tapes(game);
  assert.deepEqual([tapes.round("grain").map(([, price]) => price), tapes.change("grain")], [[20, 50], 1.5]);
  for (let count = 0; count < 60; count += 1)
    listeners.trade({ good: "grain", price: 40 - (count % 3), qty: 1 }, { at: 7 });
  const prices = tapes.round("grain").map(([, price]) => price);
  assert.deepEqual([prices.length, prices[0]], [62, 20]);
  assert.equal(Math.sign(prices.at(-1) - prices[0]), Math.sign(tapes.change("grain")));
  game.state.opened_at = 8;
  assert.deepEqual([tapes.round("grain"), tapes.change("grain")], [[], null]);
});

test("a grid's labels are as far from each other as its lines are, and say what they stand at", () => {
  const lines = [102.5, 105, 107.5, 110, 112.5, 115]; // as the chart's library draws them
  assert.deepEqual(gridLabels(lines), ["", "105", "", "110", "", "115"]);
  assert.deepEqual(gridLabels([-5, 0, 0.1 + 0.2 + 0.7, 2]), ["", "0", "1", "2"]);
});
