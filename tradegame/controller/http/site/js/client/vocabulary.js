// Generated from tradegame/protocol by `make client`. Do not edit.

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "tradegame.v1";

/** The requests that change nothing. */
export const READS = new Set(["book", "fills", "games", "me", "orders", "ping", "standings"]);

/** The error codes that refuse a request for lack of room: it had no effect, and may be sent again. */
export const NOT_TAKEN_IN = new Set(["overloaded", "rate_limited"]);

/** The error codes that a node gives before it looks at the `key`: they say nothing of an earlier sending. */
export const BEFORE_THE_KEY = new Set([
  "ahead",
  "bad_request",
  "epoch_over",
  "not_authenticated",
  "not_joined",
  "overloaded",
  "rate_limited",
  "stale",
  "unknown_game",
  "unknown_op",
]);

/** The error codes of a node that cannot do its work now. Another node may. */
export const TROUBLE = new Set(["internal", "overloaded", "timeout", "unavailable"]);

/** How many commands of a player may be unanswered in a game, over all connections. */
export const UNANSWERED = 128;

/** The close codes. */
export const CLOSE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  MALFORMED: 1002,
  BINARY: 1003,
  LOST: 1006,
  NOT_UTF_8: 1007,
  TOO_LARGE: 1009,
  INTERNAL: 1011,
  TOO_SLOW: 4001,
  HEARTBEAT_LOST: 4002,
  FULL: 4003,
  NO_HELLO: 4004,
  ABUSE: 4500,
  KICKED: 4501,
  REVOKED: 4502,
};

/** Bounds of what people type: the highest numbers, the lengths of texts, the form of an id. */
export const BOUNDS = {
  qty: 1000000,
  price: 1000000000,
  shiftBps: [-9999, 1000000],
  name: 32,
  text: 500,
  news: 500,
  id: 32,
  idPattern: "[a-z0-9][a-z0-9_\\-]{0,31}",
};

/** How many recent trades of a good, messages and news a state holds, and how many of a player's fills are kept. */
export const KEPT = {
  recent: 200,
  messages: 50,
  news: 20,
  fills: 50,
};

/** Whether a client must not reconnect after this close code. @param {number} code */
export const isFinal = (code) => code >= 4500 && code <= 4999;
