// A page asks again and again only while the answer is seen and can come.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { askWhileSeen } from "../../../tradegame/controller/http/site/js/common/repeat.js";
import { advance, stopTheClock } from "./lib/fake.mjs";

const EVERY_MS = 2_000;
let client, element, asked, answer, ask;

before(stopTheClock);
beforeEach(() => {
  globalThis.document = { visibilityState: "visible" };
  client = { connection: { state: "live" } };
  element = { isConnected: true, offsetParent: {} };
  asked = 0;
  answer = async () => {};
  ask = askWhileSeen(client, element, EVERY_MS, () => {
    asked += 1;
    return answer();
  });
});
afterEach(async () => {
  element.isConnected = false;
  await advance(EVERY_MS);
});

const UNSEEN = {
  "the page is hidden": () => (document.visibilityState = "hidden"),
  "the element is out of sight": () => (element.offsetParent = null),
  "nobody is connected": () => (client.connection.state = "reconnecting"),
  "the session is over": () => (client.connection.state = "stopped"),
};
for (const [name, hide] of Object.entries(UNSEEN))
  test(`nothing is asked while ${name}`, async () => {
    await advance(EVERY_MS);
    assert.equal(asked, 1);
    hide();
    await advance(5 * EVERY_MS);
    await ask();
    assert.equal(asked, 1);
  });

test("one question at a time: a slow server is not asked again before it has answered", async () => {
  let done;
  answer = () => new Promise((resolve) => (done = resolve));
  await advance(5 * EVERY_MS);
  assert.equal(asked, 1);
  done();
  await advance(EVERY_MS);
  assert.equal(asked, 2);
});

test("what failed is asked again", async () => {
  answer = () => Promise.reject(new Error("busy"));
  await advance(3 * EVERY_MS);
  assert.equal(asked, 3);
});

test("it ends when the element has left the document", async () => {
  element.isConnected = false;
  await advance(5 * EVERY_MS);
  assert.equal(asked, 0);
});
