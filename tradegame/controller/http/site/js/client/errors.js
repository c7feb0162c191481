// Errors.

/** @import * as T from "../../tradegame.d.ts" */

/** An error from the server or from this client. `definite: false`: it is unknown whether the command happened. */
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
    /** The command's key: sent again with it, the command happens once. */
    this.key = key;
  }
}

/**
 * The server's error object as a TradeError. Throws a TypeError if it is invalid.
 * @param {any} error
 * @param {string | null} key
 */
export function tradeError(error, key) {
  if (typeof error?.code !== "string" || typeof error.definite !== "boolean") throw new TypeError("an invalid error");
  return new TradeError({ ...error, message: String(error.message ?? error.code), key });
}
