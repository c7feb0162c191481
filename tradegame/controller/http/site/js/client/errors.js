// Errors.

/** @import * as T from "../../tradegame.d.ts" */

/** An error from the server or from this client. `definite: false`: it is unknown whether the command happened. */
export class TradeError extends Error {
  /** @param {T.TradeErrorFields} fields */
  constructor({ code, message, definite = true, at = null, retry_after_ms = null, replayed = false, ...copy }) {
    super(message);
    this.name = "TradeError";
    this.code = code;
    this.definite = definite;
    this.at = at;
    this.retryAfterMs = retry_after_ms;
    this.replayed = replayed;
    /** Of `unknown_order`: what became of the order. */
    this.became = copy.became ?? null;
    /** What `message` says, as a name with parameters, where the server has one. */
    this.why = copy.why ?? null;
    /** The command's key: sent again with it, and the same `since` and `epoch`, the command happens once. */
    this.key = copy.key ?? null;
    this.since = copy.since;
    this.epoch = copy.epoch;
  }
}

/**
 * The server's error object as a TradeError. Throws a TypeError if it is invalid.
 * @param {any} error
 * @param {{key?: string | null, since?: number, epoch?: string}} copy
 */
export function tradeError(error, copy = {}) {
  if (typeof error?.code !== "string" || typeof error.definite !== "boolean") throw new TypeError("an invalid error");
  return new TradeError({ ...error, message: String(error.message ?? error.code), ...copy });
}
