// How a text is made of its key and parameters.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "en", dir: "ltr" } };
globalThis.tradegame = {
  words: Promise.resolve({
    "a.plain": "As it is",
    "a.with": "{qty} {good} at {price}",
    "a.plural": { one: "{count} unit", other: "{count} units" },
    "error.known": "Not taken: {message}.",
    "why.needs_cash": "That takes {needed} coins.",
    "became.filled": "It was filled.",
  }),
};
const { has, loaded, pieces, t } = await import("../../../tradegame/controller/http/site/js/common/words.js");
const { explain } = await import("../../../tradegame/controller/http/site/js/common/explain.js");
await loaded;

test("parameters stand where the text has them, and numbers as the locale writes them", () => {
  assert.equal(t("a.plain"), "As it is");
  assert.equal(t("a.with", { price: 1_234_567, good: "{qty}", qty: "2" }), "2 {qty} at 1,234,567");
});

test("a plural form is chosen by count", () => {
  assert.deepEqual(
    [0, 1, 2, 1_000].map((count) => t("a.plural", { count })),
    ["0 units", "1 unit", "2 units", "1,000 units"],
  );
});

test("a parameter may be an element", () => {
  const element = {};
  assert.deepEqual(
    pieces("a.with", { qty: 3, good: element, price: 4 }).filter((piece) => piece !== ""),
    ["3", " ", element, " at ", "4"],
  );
});

test("an unknown key is shown as it is", () => {
  assert.equal(has("a.unknown"), false);
  assert.equal(t("a.unknown"), "a.unknown");
});

test("a reason with parameters says more than the code, and what became of an order, too", () => {
  const why = { name: "needs_cash", params: { needed: 1_000 } };
  assert.equal(explain({ code: "known", message: "needs 1000 coins", why }), "That takes 1,000 coins.");
  assert.equal(explain({ code: "known", message: "o1 was filled", became: "filled" }), "It was filled.");
  const unknown = { code: "known", message: "of a newer server", why: { name: "toString" }, became: "sold" };
  assert.equal(explain(unknown), "Not taken: of a newer server.");
  assert.equal(explain({ message: "moves nothing", why: { name: "newer" } }), "Moves nothing.");
});

test("an error is told by its code, else by its message as a sentence", () => {
  assert.equal(explain({ code: "known", message: "no such field" }), "Not taken: no such field.");
  assert.equal(explain(Object.assign(new Error("the store is full"), { code: "new" })), "The store is full.");
  assert.equal(explain(new Error("Is it?")), "Is it?");
  assert.equal(explain({ message: "" }), "");
});
