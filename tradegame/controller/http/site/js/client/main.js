// What tradegame.js exports.

/** @import * as T from "../../tradegame.d.ts" */

import { Client } from "./client.js";

export { Client } from "./client.js";
export { TradeError } from "./errors.js";
export { Game } from "./game.js";
export { newKey } from "./keys.js";

/**
 * Connects and says hello. Rejects with a TradeError if the server refuses, or, outside a browser, if no server answers
 * within 30 s.
 * @param {any} [url]
 * @param {T.Options} [options]
 * @returns {Promise<Client>}
 */
export async function connect(url, options) {
  const plain = typeof url === "object" && url !== null && !(url instanceof URL) && !Array.isArray(url);
  if (plain) [url, options] = [undefined, url];
  const client = new Client(url, options);
  await client.ready;
  return client;
}
