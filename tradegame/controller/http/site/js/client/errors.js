// The errors of calls.

/** @import * as T from "../../tradegame.d.ts" */

/** What the server, or this client, says no with. `definite: false`: nobody knows whether it happened. */
export class TradeError extends Error {
  /** @param {T.TradeErrorFields} fields */
  constructor({ code, message, definite = true, at = null, retry_after_ms = null, replayed = false, key = null }) {
    super(message);
    this.name = "TradeError";
    this.code = code;
    this.definite = definite;
    this.at = at;
    this.retryAfterMs = retry_after_ms;
    this.replayed = replayed;
    /** The command's: sent again with it, it happens once. */
    this.key = key;
  }
}

/** @param {any} error @param {string | null} key */
export function tradeError(error, key) {
  if (typeof error?.code !== "string" || typeof error.definite !== "boolean")
    throw new TypeError("an error of no known form");
  return new TradeError({ ...error, message: String(error.message ?? error.code), key });
}
