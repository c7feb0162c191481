// Folds the events of games that were played elsewhere (a JSON file: for each, the state before, the frames, the state
// after) as the client does, and compares.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fold } from "../../tradegame/controller/http/site/js/client/fold.js";

for (const { state, frames, after } of JSON.parse(readFileSync(process.argv[2], "utf-8"))) {
  for (const { at, events } of frames) for (const event of events) fold(state, event, at);
  assert.deepEqual(state, after);
}
