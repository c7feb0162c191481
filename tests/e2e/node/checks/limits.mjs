// What the server refuses to do too often.

import assert from "node:assert/strict";
import { check, sleep } from "../lib/tap.mjs";
import { newKey, pushes, signedInAndJoined } from "./common.mjs";

export async function limits({ url, game }) {
  const player = await signedInAndJoined(url, game);
  const { burst, commands_per_s: rate } = player.welcome.server;
  if (burst > 200) return;

  await check("more commands than the burst are rate_limited, with the time to wait, and not taken in", async () => {
    const keys = Array.from({ length: burst + rate + 10 }, newKey);
    const text = `too fast ${newKey()}`;
    const replies = await Promise.all(keys.map((key) => player.request("say", { game, text, key })));
    const refused = replies.filter(({ error }) => error);
    for (const { error } of refused) {
      assert.equal(error.code, "rate_limited");
      assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 60_000, JSON.stringify(error));
    }
    assert.ok(refused.length >= 1, "none was refused");
    assert.ok(keys.length - refused.length >= burst - 5, "the burst was taken");
    const { seq } = await player.ok("say", { game, text: "slowly again" });
    await player.caughtUp(game, seq);
    const said = pushes(player, "events").flatMap((each) => each.events).filter((each) => each.text === text);
    assert.equal(said.length, keys.length - refused.length);

    const first = replies.findIndex(({ error }) => error);
    await sleep(replies[first].error.retry_after_ms + 1);
    await player.ok("say", { game, text, key: keys[first] }); // its key was not used up
  });
  await player.close();
}
