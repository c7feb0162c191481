// Who a client says that it is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLink, tokenOf, who } from "../../../tradegame/controller/http/site/js/client/who.js";

const said = (token, options) => JSON.parse(JSON.stringify(who(token, options)));

test("a personal link is its token, and an ordinary token is itself", () => {
  assert.equal(tokenOf("https://x.test/KM4T#seat=s.bazaar.7.abc-_"), "s.bazaar.7.abc-_");
  assert.equal(tokenOf("s.bazaar.7.abc"), "s.bazaar.7.abc");
  assert.equal(tokenOf("t-1"), "t-1");
  assert.equal(tokenOf(undefined), null);
  assert.equal(isLink("s.bazaar.7.abc"), true);
  assert.equal(isLink("sbazaar"), false);
});

test("a token counts before a code, a code before a seat, and a name goes with whatever may need one", () => {
  const seat = { game: "bazaar", number: "7" };
  assert.deepEqual(said("t", { name: "Ann", code: "c", seat, client: "x" }), { token: "t", client: "x" });
  assert.deepEqual(said("s.bazaar.7.a", { name: "Ann" }), { token: "s.bazaar.7.a", name: "Ann" });
  assert.deepEqual(said(null, { name: "Ann", code: "c", seat }), { code: "c", name: "Ann" });
  assert.deepEqual(said(null, { name: "Ann", seat }), { seat, name: "Ann" });
  assert.deepEqual(said(null, { name: "Ann" }), { name: "Ann" });
  assert.deepEqual(said(null, {}), {});
});
