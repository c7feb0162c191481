// What the protocol says, in tables: ops, error codes, close codes.

export const PROTOCOL = "tradegame.v1";

/** The commands that take a `key`. */
export const KEYED = new Set(["join", "buy", "sell", "order", "cancel", "say"]);

/** The requests that change nothing. */
export const READS = new Set(["ping", "games", "me", "book", "standings"]);

/** The errors that refuse a request for lack of room: it had no effect, and may be sent again. */
export const NOT_TAKEN_IN = new Set(["rate_limited", "overloaded"]);

/** The errors that a node gives before it looks at the `key`. */
export const BEFORE_KEY = new Set([
  "rate_limited",
  "overloaded",
  "bad_request",
  "unknown_op",
  "unknown_game",
  "not_authenticated",
  "not_joined",
]);

/** The close codes. */
export const CLOSE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  LOST: 1006,
  TOO_SLOW: 4001,
  HEARTBEAT_LOST: 4002,
  FULL: 4003,
  ABUSE: 4500,
  KICKED: 4501,
  REVOKED: 4502,
};

/** Whether a client must not reconnect after this close code. @param {number} code */
export const isFinal = (code) => code >= 4500 && code <= 4999;
