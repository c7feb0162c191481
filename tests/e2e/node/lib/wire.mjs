// The frames of tradegame.v1, as docs/protocol.md gives them.

import * as s from "./shape.mjs";
import { Mismatch } from "./shape.mjs";

const level = s.tuple(s.positive, s.positive);

const sorted = (sign) => (levels, at) => {
  for (let i = 1; i < levels.length; i += 1) {
    if (sign * (levels[i][0] - levels[i - 1][0]) <= 0) {
      throw new Mismatch(`${at}: not best first, a price once: ${JSON.stringify(levels)}`);
    }
  }
};

const bids = (most) => s.both(s.list(level, most), sorted(-1));
const asks = (most) => s.both(s.list(level, most), sorted(1));
const phase = s.oneOf("lobby", "open", "closed");

const notCrossed = (value, at) => {
  if (value.bids.length && value.asks.length && value.bids[0][0] >= value.asks[0][0]) {
    throw new Mismatch(`${at}: a crossed book: ${JSON.stringify(value)}`);
  }
};

const order = s.object(
  { order: s.id, good: s.id, side: s.oneOf("bid", "ask"), qty: s.positive, price: s.positive },
  { filled: s.positive },
);

const position = s.object(
  { bought: s.natural, cost: s.natural, sold: s.natural, proceeds: s.natural, fees: s.natural, gain: s.int },
  { average_bought: s.natural, average_sold: s.natural },
);

const fill = s.object(
  {
    trade: s.positive,
    at: s.positive,
    good: s.id,
    side: s.oneOf("bid", "ask"),
    price: s.positive,
    qty: s.positive,
    taker: s.oneOf("buy", "sell"),
    fee: s.natural,
  },
  { order: s.id, maker: s.exactly(true) },
);

const source = s.oneOf("estimate", "anchor", "bid", "book", "last", "settled");

export const account = s.object(
  {
    cash: s.natural,
    held_cash: s.natural,
    goods: s.map(s.natural),
    held_goods: s.map(s.natural),
    orders: s.list(order),
    worth: s.natural,
    start: s.nullable(s.natural),
    score: s.int,
    keys: s.natural,
  },
  {
    role: s.oneOf("buyer", "seller"),
    values: s.map(s.list(s.natural)),
    muted: s.exactly(true),
    positions: s.map(position),
    cancel_on_disconnect: s.exactly(true),
    ready: s.exactly(true),
    right: s.natural,
    hints: s.list(s.object({ good: s.id, not: s.natural, text: s.text, at: s.positive })),
  },
);

const good = s.both(
  s.object(
    {
      last: s.nullable(s.positive),
      bids: bids(5),
      asks: asks(5),
      volume: s.natural,
      recent: s.list(s.tuple(s.positive, s.positive, s.positive), 200),
    },
    { mark: s.natural, mark_source: source },
  ),
  notCrossed,
);

const rules = s.object(
  {
    cash: s.natural,
    fee_bps: s.natural,
    open_orders: s.positive,
    rounds: s.nullable(s.object({ lobby_s: s.natural, open_s: s.positive, closed_s: s.natural, repeat: s.natural })),
    goods: s.map(
      s.object(
        { endowment: s.natural, house: s.bool, private_values: s.bool, settlement: s.nullable(s.list(s.natural)) },
        { mark: source },
      ),
    ),
  },
  {
    practice: s.exactly(true),
    quiz: s.list(s.object({ text: s.text, choices: s.list(s.text, 6) }), 10),
    quiz_first: s.exactly(true),
  },
);

const robots = { robot: s.exactly(true), stand_in: s.exactly(true) };

const stateFields = {
  title: s.str,
  about: s.str,
  phase,
  round: s.natural,
  ends_at: s.nullable(s.positive),
  opened_at: s.nullable(s.positive),
  rules,
  goods: s.map(good),
  players: s.map(s.object({ name: s.text }, robots)),
  messages: s.list(s.object({ player: s.id, text: s.text, at: s.positive, number: s.positive }), 50),
  news: s.list(s.object({ text: s.text, good: s.nullable(s.id), at: s.positive }), 20),
  settled: s.map(s.natural),
};

const terms = s.object({}, { buyer_tax: s.positive, seller_tax: s.positive, floor: s.positive, ceiling: s.positive });
const treatment = s.object({}, { fee_bps: s.natural, goods: s.map(terms) });
const winners = s.list(s.id, 10);

const stateMay = {
  locked: s.exactly(true),
  chat: s.exactly(false),
  reports: s.exactly(true),
  paused_at: s.positive,
  treatment,
  over: s.exactly(true),
  winners,
};

export const state = s.object(stateFields, stateMay);

/** What HTTP shows of one game: its state, and which game it is. */
export const shownGame = s.object({ game: s.id, epoch: s.id, seq: s.natural, ...stateFields }, stateMay);

export const gameSummary = s.object(
  {
    game: s.id,
    title: s.str,
    phase,
    round: s.natural,
    ends_at: s.nullable(s.positive),
    players: s.natural,
    goods: s.list(s.id),
    epoch: s.id,
    seq: s.natural,
    code: s.str,
  },
  { entry: s.oneOf("number", "link"), pattern: s.text },
);

export const standings = s.list(
  s.object({ rank: s.positive, player: s.id, name: s.text, worth: s.int, score: s.int }, robots),
  100,
);

const webSocketUrl = (value, at) => {
  if (typeof value !== "string" || !URL.canParse(value) || !/^wss?:$/.test(new URL(value).protocol)) {
    throw new Mismatch(`${at}: no WebSocket URL: ${JSON.stringify(value)}`);
  }
};

const somewhere = (value, at) => {
  if (value.length === 0) throw new Mismatch(`${at}: not even this node`);
};

const server = s.object({
  version: s.text,
  node: s.text,
  heartbeat_s: s.positive,
  frame_bytes: s.positive,
  commands_per_s: s.positive,
  burst: s.positive,
  nodes: s.both(s.list(webSocketUrl, 64), somewhere),
});

const replayed = { replayed: s.exactly(true) };
/** What the `ok` to a command with a key has besides. */
const keyed = { ...replayed, keys: s.natural };

/** What `ok` holds, by op. */
export const ok = {
  hello: s.object({ player: s.object({ id: s.id, name: s.text }), token: s.text, expires_s: s.positive, server }),
  device_code: s.object({ code: s.text, expires_s: s.positive }),
  ping: s.object({ at: s.positive }),
  games: s.object({ games: s.list(gameSummary) }),
  join: s.object({ game: s.id, epoch: s.id, seq: s.natural, recovered: s.bool }, { state, me: account, ...replayed }),
  leave: s.object({}),
  buy: s.object({ filled: s.positive, cost: s.positive, fee: s.natural, cash: s.natural, seq: s.positive }, keyed),
  sell: s.object(
    { filled: s.positive, proceeds: s.positive, fee: s.natural, cash: s.natural, seq: s.positive },
    keyed,
  ),
  order: s.object(
    { order: s.id, filled: s.natural, resting: s.natural, cash: s.natural, seq: s.positive },
    keyed,
  ),
  cancel: s.object(
    { order: s.id, released: s.object({ cash: s.natural, qty: s.natural }), seq: s.positive },
    keyed,
  ),
  say: s.object({ seq: s.positive }, keyed),
  ready: s.object({ right: s.list(s.bool, 10), seq: s.positive }, keyed),
  me: account,
  book: s.both(
    s.object({ good: s.id, bids: bids(100), asks: asks(100), last: s.nullable(s.positive), seq: s.natural }),
    notCrossed,
  ),
  standings: s.object({ standings, seq: s.int }, { practice: s.exactly(true) }),
};

/** Whether each code says for certain that nothing happened. */
export const definite = {
  bad_request: true,
  unknown_op: true,
  unknown_game: true,
  unknown_good: true,
  unknown_player: true,
  unknown_order: true,
  not_authenticated: true,
  unauthorized: true,
  not_joined: true,
  not_open: true,
  not_ready: true,
  insufficient_cash: true,
  insufficient_goods: true,
  no_liquidity: true,
  insufficient_liquidity: true,
  would_trade: true,
  game_full: true,
  too_many_orders: true,
  too_many_fills: true,
  key_reused: true,
  stale: true,
  ahead: true,
  epoch_over: true,
  not_admitted: true,
  muted: true,
  unknown_message: true,
  no_house: true,
  rate_limited: true,
  overloaded: true,
  unavailable: false,
  timeout: false,
  internal: false,
};

/** HTTP has a few codes more. */
const overHttp = { forbidden: true, not_found: true, method_not_allowed: true, game_exists: true, too_large: true };

const param = (value, at) => {
  if (typeof value !== "string" && !Number.isInteger(value)) throw new Mismatch(`${at}: no parameter: ${value}`);
};

function errorOf(codes) {
  const shape = s.object(
    { code: s.oneOf(...Object.keys(codes)), message: s.text, definite: s.bool },
    {
      at: s.text,
      retry_after_ms: s.natural,
      replayed: s.exactly(true),
      keys: s.natural,
      key: s.text,
      since: s.natural,
      epoch: s.id,
      became: s.oneOf("filled", "cancelled", "met_own", "replaced", "disconnected", "round_over"),
      why: s.object({ name: s.text }, { params: s.map(param) }),
    },
  );
  return s.both(shape, (value, at) => {
    if (value.definite !== codes[value.code]) throw new Mismatch(`${at}: ${value.code} has the wrong "definite"`);
  });
}

export const error = errorOf(definite);
export const httpError = s.object({ error: errorOf({ ...definite, ...overHttp }) });

const type = (name) => s.exactly(name);

const event = {
  joined: s.object({ type: type("joined"), player: s.id, name: s.text }, { robot: s.exactly(true) }),
  seat: s.object({ type: type("seat"), player: s.id, stand_in: s.bool }),
  trade: s.object({
    type: type("trade"),
    good: s.id,
    price: s.positive,
    qty: s.positive,
    buyer: s.id,
    seller: s.id,
    taker: s.oneOf("buy", "sell"),
    number: s.positive,
  }),
  book: s.both(s.object({ type: type("book"), good: s.id, bids: bids(5), asks: asks(5) }), notCrossed),
  mark: s.object({ type: type("mark"), good: s.id, mark: s.natural, mark_source: source }),
  removed: s.object({ type: type("removed"), player: s.id }),
  said: s.object({ type: type("said"), player: s.id, text: s.text, number: s.positive }),
  unsaid: s.object({ type: type("unsaid"), number: s.positive }),
  access: s.object({ type: type("access"), locked: s.bool, chat: s.bool }, { reports: s.exactly(true) }),
  revealed: s.object({ type: type("revealed"), round: s.natural }, { winners }),
  clock: s.object({ type: type("clock"), ends_at: s.nullable(s.positive) }, { paused_at: s.positive }),
  round: s.object(
    { type: type("round"), phase, round: s.natural, ends_at: s.nullable(s.positive) },
    { opened_at: s.positive, settled: s.map(s.natural), treatment, over: s.exactly(true), winners },
  ),
  news: s.object({ type: type("news"), text: s.text }, { good: s.id }),
};

const anyEvent = (value, at) => {
  if (!Object.hasOwn(event, value?.type)) throw new Mismatch(`${at}: an unknown event ${JSON.stringify(value)}`);
  event[value.type](value, at);
};

const oneBookAGood = (events, at) => {
  const goods = events.filter((each) => each.type === "book").map((each) => each.good);
  if (new Set(goods).size !== goods.length) throw new Mismatch(`${at}: two book events of one good`);
};

const push = {
  events: s.object({
    push: type("events"),
    game: s.id,
    epoch: s.id,
    seq: s.positive,
    at: s.positive,
    events: s.both(s.list(anyEvent), oneBookAGood),
  }),
  account: s.object({ push: type("account"), game: s.id, seq: s.natural, account }),
  fills: s.object({ push: type("fills"), game: s.id, seq: s.positive, at: s.positive, fills: s.list(fill) }),
  whisper: s.object({
    push: type("whisper"),
    game: s.id,
    seq: s.natural,
    player: s.id,
    to: s.id,
    text: s.text,
    at: s.positive,
  }),
  presence: s.object({ push: type("presence"), game: s.id, online: s.list(s.id), offline: s.list(s.id) }),
  gone: s.object({ push: type("gone"), game: s.id, epoch: s.id }),
  device: s.object({ push: type("device") }),
};

/** Throws unless the frame is one that this page gives. A reply's `ok` is checked against its request's op elsewhere. */
export function checkFrame(raw, frame) {
  s.onlyIntegers(raw);
  if (frame === null || typeof frame !== "object" || Array.isArray(frame)) throw new Mismatch(`no object: ${raw}`);
  if ("push" in frame) {
    if ("id" in frame) throw new Mismatch(`a push with an id: ${raw}`);
    if (!Object.hasOwn(push, frame.push)) throw new Mismatch(`an unknown push: ${raw}`);
    push[frame.push](frame);
    return;
  }
  const anId = (value, at) => {
    if (value !== null && !Number.isInteger(value) && typeof value !== "string") throw new Mismatch(`${at}: no id`);
  };
  if ("error" in frame) s.object({ id: anId, error })(frame);
  else s.object({ id: anId, ok: () => {} })(frame);
}
