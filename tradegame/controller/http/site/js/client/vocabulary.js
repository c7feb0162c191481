// Generated from tradegame/protocol by `python -m tools.generate`. Do not edit.

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "tradegame.v1";

/** What a server closes with, by name. */
export const CLOSE_CODES = {
  "NORMAL": 1000,
  "GOING_AWAY": 1001,
  "MALFORMED": 1002,
  "BINARY": 1003,
  "LOST": 1006,
  "NOT_UTF_8": 1007,
  "TOO_LARGE": 1009,
  "INTERNAL": 1011,
  "TOO_SLOW": 4001,
  "HEARTBEAT_LOST": 4002,
  "FULL": 4003,
  "NO_HELLO": 4004,
  "ABUSE": 4500,
  "KICKED": 4501,
  "REVOKED": 4502
};

/** The first and the last close code after which a client does not connect again. */
export const STOP = [
  4500,
  4999
];

/** Every error code of the server. */
export const ERROR_CODES = new Set([
  "bad_request",
  "not_authenticated",
  "unauthorized",
  "rate_limited",
  "overloaded",
  "unavailable",
  "timeout",
  "internal",
  "unknown_op",
  "unknown_game",
  "unknown_good",
  "unknown_player",
  "unknown_order",
  "game_full",
  "not_joined",
  "not_open",
  "insufficient_cash",
  "insufficient_goods",
  "no_liquidity",
  "too_many_orders",
  "too_many_fills",
  "key_reused"
]);

/** What takes a key, so that it happens once. */
export const KEYED = new Set([
  "join",
  "buy",
  "sell",
  "order",
  "cancel",
  "say"
]);

/** What changes nothing, and may be asked again at will. */
export const READS = new Set([
  "book",
  "games",
  "me",
  "ping",
  "standings"
]);

/** Not taken in this time: try again. */
export const LATER = new Set([
  "overloaded",
  "rate_limited"
]);

/** Said by a node before it looks at the key. Of an earlier sending they say nothing. */
export const BEFORE_THE_KEY = new Set([
  "bad_request",
  "not_authenticated",
  "not_joined",
  "overloaded",
  "rate_limited",
  "unknown_game",
  "unknown_op"
]);

/** The node cannot do its work now. Another may. */
export const TROUBLE = new Set([
  "internal",
  "overloaded",
  "timeout",
  "unavailable"
]);

/** How much of each a state holds. */
export const KEPT = {
  "recent": 200,
  "messages": 50,
  "news": 20
};
