/**
 * The types of tradegame.js. Money in coins, goods in whole units, times in ms since the Unix epoch.
 *
 * A bot in TypeScript: save this beside tradegame.js, and `import { connect } from "./tradegame.js"`.
 */

/** A price, and the quantity resting at it. */
export type Level = [price: number, qty: number];
export type Phase = "lobby" | "open" | "closed";
export type Side = "bid" | "ask";

// Connecting

export interface Options {
  /** 1 to 32 printable characters: a new player's name. Also used if `token` is no longer valid. */
  name?: string;
  /** An earlier `client.token`, to be the same player again; or a personal link. */
  token?: string;
  /** What `client.request("device_code")` gave another device of the player. Counts until there is a token. */
  code?: string;
  /** The number by which a game's host knows you. Counts until there is a token. */
  seat?: { game: string; number: string };
  /** This program's name, for the server's log. */
  client?: string;
  /** The new player is a program: games mark it as a robot, call it *Robot 1* or so, and forget it once it is gone. */
  robot?: boolean;
  /** Whether to use the server's other nodes. Default: true, but false in a browser, where only the page's origin is
   * allowed. */
  follow?: boolean;
  /** The WebSocket class, where there is none: on Node before 22, that of the package `ws`. */
  WebSocket?: unknown;
  /** How long a call may take in all, reconnects included. Default: 30 000. */
  deadlineMs?: number;
  /**
   * How long after the call a command may still happen. Default: 5 000 in a browser, else `Infinity`. A command never
   * sent is then rejected as `unsent`. One in doubt is not sent again: on the next connection its key is used up, which
   * tells whether it had happened; if not, it never will. A `join` and requests that only read wait for `deadlineMs`.
   */
  unsentMs?: number;
  /** The deadline for the first connection. Default: `Infinity` in a browser, else 30 000. */
  connectDeadlineMs?: number;
}

/** Connects and says hello. In a browser the address defaults to the page's own server. Rejects with a TradeError. */
export function connect(options?: Options): Promise<Client>;
export function connect(url: string | URL | (string | URL)[] | undefined, options?: Options): Promise<Client>;

/** A random key. A command sent again with the same key happens once. */
export function newKey(): string;

/**
 * What every copy of a command says. A game forgets keys; by `since` and `epoch`, which are what the client was told
 * when it made the command, it tells a late copy from a new command. A `key` alone is that of a new command, unless it
 * is that of one that ended in doubt in this very client.
 */
export interface Copy {
  key?: string | null;
  since?: number;
  epoch?: string;
}

export type ErrorCode =
  | ServerErrorCode
  /** From the client: not sent within `unsentMs`; it did not and will not happen. */
  | "unsent"
  /** From the client: it was closed, or stopped by the server. */
  | "closed"
  /** From the client: no server answered within `connectDeadlineMs`. */
  | "unreachable"
  | (string & {});

/** As on the wire. */
export interface TradeErrorFields extends Copy {
  code: ErrorCode;
  message: string;
  definite?: boolean;
  at?: string | null;
  retry_after_ms?: number | null;
  replayed?: boolean;
  became?: DoneOrder["became"] | null;
  why?: Why | null;
}

/** What a message says, for whoever says it in another language: docs/protocol.md has the names. */
export interface Why {
  name: string;
  params?: Record<string, number | string>;
}

/** An error from the server or from the client. */
export class TradeError extends Error {
  constructor(fields: TradeErrorFields);
  name: string;
  code: ErrorCode;
  /** `false`: it is unknown whether it happened. The same call with the `key`, `since` and `epoch` of this error finds
   * out, and does it if it had not happened. It never happens twice: once the game has forgotten the key, the answer is
   * `stale`, and only what came of it tells. */
  definite: boolean;
  /** The invalid field, such as `$.qty`. */
  at: string | null;
  retryAfterMs: number | null;
  /** Whether this is the first answer to that key, repeated. */
  replayed: boolean;
  /** Of `unknown_order`: what became of the order, where the game still knows. */
  became: DoneOrder["became"] | null;
  /** What `message` says, as a name with parameters, where the server has one. */
  why: Why | null;
  /** The command's key. */
  key: string | null;
  since?: number;
  epoch?: string;
}

// The client

/** `live`: `hello` is answered, and every game is up to date. */
export interface Connection {
  state: "connecting" | "live" | "reconnecting" | "stopped";
  /** Why, for people. */
  reason: string;
  /** When the next attempt is, by this machine's clock. */
  retryAt: number | null;
  /** How many commands await an answer. */
  unanswered: number;
  /** Whether the last socket opened. If not, nothing answered, or something between blocks WebSockets. */
  opened: boolean;
  /** Why, for programs, while it is not live: `closed`, a close code, or an error's code. */
  code?: string;
}

export interface ClientEvents {
  /** The connection or the number of unanswered commands changed. */
  state: (connection: Connection) => unknown;
}

/** A player's connection to the server. It reconnects by itself. */
export class Client {
  /** Starts to connect; see `ready`. */
  constructor(url?: string | URL | (string | URL)[], options?: Options);
  /** Resolves at the first answer to `hello`; rejects with a TradeError if there will be none. */
  readonly ready: Promise<Client>;
  /** The followed games, by id. */
  readonly games: Map<string, Game>;
  /** Null before `ready`, as `token` and `server` may be. */
  readonly player: PlayerInfo | null;
  /** Lets the same player come back, on any node. A secret. */
  readonly token: string | null;
  readonly server: ServerInfo | null;
  readonly connection: Connection;
  readonly unanswered: number;
  /** How often it moved to another address. */
  readonly failovers: number;
  /** The addresses to connect to: those given, then those the server listed last. */
  readonly urls: string[];
  /** Returns a function that removes the listener. */
  on<Type extends keyof ClientEvents>(type: Type, listener: ClientEvents[Type]): () => void;
  /** The server's clock as far as known, in ms since the Unix epoch. Setting this machine's clock does not move it. */
  now(): number;
  /**
   * Follows a game, as a player or as a spectator. Joining again returns the same Game. `cancelOnDisconnect`: the
   * server withdraws the player's orders a while after the last connection is gone; if left out, as it was. Of all
   * clients of the player the last choice holds.
   */
  join(id: string, options?: { spectate?: boolean; cancelOnDisconnect?: boolean; key?: string }): Promise<Game>;
  list(): Promise<GameSummary[]>;
  /** Sends any request of the protocol, by its `op`; a command without a `key` gets one. */
  request(
    op: string,
    fields?: Record<string, unknown>,
    options?: { deadlineMs?: number; unsentMs?: number },
  ): Promise<any>;
  /** Closes the connection for good. Unanswered calls are rejected with `closed`. */
  close(): void;
}

// A game

/** Instead of missing frames up to `seq`. `game.state` has missed nothing. */
export interface ResetFrame {
  push: "reset";
  game: string;
  epoch: string;
  seq: number;
  events: [];
}

/** Each public event, by its `type`. */
export type PublicEvents = { [One in Event as One["type"]]: (event: One, frame: Frame) => unknown };

export interface GameEvents extends PublicEvents {
  /** A whole frame, after its events one by one. */
  events: (frame: Frame) => unknown;
  /** `game.me` changed. */
  account: (me: Account) => unknown;
  whisper: (whisper: Whisper) => unknown;
  /** The player's own trades in a frame. Its `trade` events came before. */
  fills: (fills: Fills) => unknown;
  /** The players who are connected. */
  presence: (online: Set<string>) => unknown;
  /** Another device signed in as this player. */
  device: (device: Device) => unknown;
  /** `game.state` was replaced as a whole. */
  reset: () => unknown;
  /** After a reconnect: the missed frames follow. */
  resumed: () => unknown;
  /** The game was deleted, or cannot be joined any more. */
  gone: (error: TradeError) => unknown;
}

/**
 * A followed game. Each command resolves or rejects (with a TradeError) exactly once, whatever happens to the
 * connection meanwhile.
 */
export class Game {
  /** See `client.join()`. */
  private constructor();
  readonly id: string;
  readonly spectate: boolean;
  readonly state: State;
  /** The player's account; null for a spectator. */
  readonly me: Account | null;
  /** The players who are connected. */
  readonly online: Set<string>;
  readonly epoch: string;
  /** The number of the last frame in `state`. */
  readonly seq: number;
  /** The game was left or deleted, or the client has stopped: nothing more comes. */
  readonly ended: boolean;
  /** Returns a function that removes the listener. */
  on<Type extends keyof GameEvents>(type: Type, listener: GameEvents[Type]): () => void;
  /** The game's clock, in ms since the Unix epoch: the server's, or that of the frames if it is ahead. */
  now(): number;
  // The commands. Generated from tradegame/protocol by `make client`. Do not edit.
  /**
   * Buy now, up to `qty` units, from the cheapest ask up, none dearer than `limit`.
   *
   * What is not there is not bought: `filled` may be less than `qty`, and at most 100 orders are met. `fill_or_kill`:
   * all of `qty`, or nothing. Refused with `no_liquidity`, `insufficient_cash`, `not_open` or `unknown_good`; with
   * `fill_or_kill` also with `insufficient_liquidity` or `too_many_fills`.
   */
  buy(good: string, qty: number, options?: { limit?: number | null; fill_or_kill?: boolean } & Copy): Promise<Bought>;
  /**
   * Sell now, up to `qty` units, to the dearest bid down, none cheaper than `limit`.
   *
   * As `buy`, but refused with `insufficient_goods` in place of `insufficient_cash`.
   */
  sell(good: string, qty: number, options?: { limit?: number | null; fill_or_kill?: boolean } & Copy): Promise<Sold>;
  /**
   * A limit order: what does not trade at once rests at `price`, and what it needs is held.
   *
   * `post_only`: only if all of it rests. Refused with `insufficient_cash`, `insufficient_goods`, `too_many_orders`,
   * `too_many_fills`, `not_open` or `unknown_good`; with `post_only` also with `would_trade`.
   */
  order(
    good: string,
    side: Side,
    qty: number,
    price: number,
    options?: { post_only?: boolean } & Copy,
  ): Promise<Ordered>;
  /**
   * Change a resting order, so that `qty` units of it are open, at `price`; what is left out stays.
   *
   * One of the two must be there. If the price stays and no unit is added, the order keeps its id and its place in the
   * queue, and what it no longer needs is released. Otherwise a new order takes its place, with an id of its own, as if
   * by `order`: it may trade at once, unless it is `post_only`. Refused as `cancel` and `order` are, and then the old
   * order stays as it was.
   */
  amend(
    order: string,
    options?: { qty?: number | null; price?: number | null; post_only?: boolean } & Copy,
  ): Promise<Ordered>;
  /**
   * Take a resting order out of the book, and release what it held.
   *
   * Refused with `unknown_order` if it has traded or is gone, and `became` says which, or with `not_open`.
   */
  cancel(order: string, options?: Copy): Promise<Cancelled>;
  /**
   * Take all your resting orders out of the book, or those in one `good`, or on one `side`, or both.
   *
   * Where none is open, nothing happens, and `cancelled` is 0. Refused with `not_open` or `unknown_good`.
   */
  cancel_all(options?: { good?: string | null; side?: Side | null } & Copy): Promise<AllCancelled>;
  /** Say `text`, of 1 to 500 characters, to everyone in the game, or to the player with the id `to` alone. */
  say(text: string, options?: { to?: string | null } & Copy): Promise<Sent>;
  /**
   * Say that you are ready, with `answers` to the quiz where the game has one.
   *
   * What is not answered is wrong. The host sees who is ready, and how many answers were right in the best attempt.
   */
  ready(options?: { answers?: number[] | null } & Copy): Promise<Readied>;
  // End of what is generated.
  /** What a command says that is made now: write it down, and give it to the call as its options. After a restart the
   * same options are the same copy. */
  newCopy(): Copy;

  /** `depth` levels a side, 1 to 100. Default: 10. */
  book(good: string, depth?: number): Promise<Book>;
  /** The richest `limit` players, 1 to 100. Default: 10. By "total": those who gained most in all closed rounds.
   * None while they would tell private values that last. */
  standings(limit?: number, by?: "round" | "total"): Promise<Standing[]>;
  /** The player's last `limit` trades of this round, 1 to 50, the oldest first. Default: 50. */
  fills(limit?: number): Promise<Fill[]>;
  /** The player's open orders, and what became of the last 50 that are done in this round. */
  orders(): Promise<OwnOrders>;
  /** Stops following the game: `events()` ends. The account stays. Leaving again does nothing. */
  leave(): Promise<void>;
  /** Every frame from this call on, until the game is left or deleted, or the client stops. */
  events(): AsyncIterableIterator<Frame | ResetFrame>;
}

// Generated from tradegame/protocol by `make client`. Do not edit.

/** The error codes of the server. */
export type ServerErrorCode =
  | "bad_request"
  | "not_authenticated"
  | "unauthorized"
  | "seat_taken"
  | "rate_limited"
  | "overloaded"
  | "unavailable"
  | "timeout"
  | "internal"
  | "unknown_op"
  | "unknown_game"
  | "unknown_good"
  | "unknown_player"
  | "unknown_order"
  | "game_full"
  | "not_admitted"
  | "muted"
  | "unknown_message"
  | "not_joined"
  | "not_open"
  | "not_ready"
  | "no_house"
  | "insufficient_cash"
  | "insufficient_goods"
  | "no_liquidity"
  | "insufficient_liquidity"
  | "would_trade"
  | "outside_price_limits"
  | "too_many_orders"
  | "too_many_fills"
  | "key_reused"
  | "stale"
  | "ahead"
  | "epoch_over";

/** The public events. */
export type Event =
  | Joined
  | Removed
  | SeatChanged
  | Trade
  | BookChanged
  | MarkChanged
  | Said
  | Unsaid
  | AccessChanged
  | RoundChanged
  | ClockChanged
  | Revealed
  | News;

/** Who the client is. */
export interface PlayerInfo {
  id: string;
  name: string;
}

/**
 * The node that answers, and its limits: requests a second and at once, bytes a frame, seconds between pings.
 *
 * `nodes`: the WebSocket URLs of the nodes that live, this one's own first.
 */
export interface ServerInfo {
  version: string;
  node: string;
  heartbeat_s: number;
  frame_bytes: number;
  commands_per_s: number;
  burst: number;
  nodes?: string[];
}

/** One of several games into which an entrance leads, and its name. */
export interface Group {
  game: string;
  name: string;
}

/** Of which entrance a game is a group, and the name that it has there. */
export interface GroupOf {
  of: string;
  name: string;
}

/**
 * A line of the list of games. `players`: how many have an account. `ends_at`: null until the host says so.
 *
 * `shared`: the number by which one enters is a team's. `groups`: it is the entrance to these. `group`: it is one of
 * an entrance, by which players come in.
 */
export interface GameSummary {
  game: string;
  title: string;
  phase: Phase;
  round: number;
  ends_at: number | null;
  players: number;
  goods: string[];
  epoch: string;
  seq: number;
  code: string;
  entry?: "open" | "number" | "link";
  pattern?: string;
  shared?: true;
  groups?: Group[];
  group?: GroupOf;
}

/** The phases of a round in seconds, and how many rounds there are; 0 for no end. */
export interface RoundRules {
  lobby_s: number;
  open_s: number;
  closed_s: number;
  repeat: number;
}

/**
 * What of a good's definition players may know. `settlement`: the values of which one is paid at the close.
 *
 * `mark`: what units count for at the close; none where they have private values.
 */
export interface GoodRules {
  endowment: number;
  house: boolean;
  private_values: boolean;
  settlement: number[] | null;
  mark?: "estimate" | "anchor" | "bid" | "book" | "last" | "settled";
}

/** A question of the quiz after the instructions, and what may be answered. Which is right, the host knows. */
export interface Question {
  text: string;
  choices: string[];
}

/**
 * What of a game's definition players may know. `rounds`: null where there is no clock.
 *
 * `anonymous`: trades name nobody, and each player is told of their own alone. `disconnect_grace_s`: how long the
 * orders of those stay who chose `cancel_on_disconnect`, once they have no connection. `practice`: a round of the
 * number 0 comes first, which counts for nothing. `quiz`: see `ready`; `quiz_first`: nobody trades before they have
 * answered all of it rightly.
 */
export interface Rules {
  cash: number;
  fee_bps: number;
  open_orders: number;
  rounds: RoundRules | null;
  goods: Record<string, GoodRules>;
  anonymous?: true;
  disconnect_grace_s?: number;
  practice?: true;
  quiz?: Question[];
  quiz_first?: true;
}

/**
 * A good in public: the best five levels a side, best first, and the recent trades, oldest first, at most 200.
 *
 * `last`: the last trade's price; until the first trade the house's anchor, or null where there is no house.
 * `mark`: what a unit counts for in worth, and where that comes from; none where each has values of their own.
 */
export interface Good {
  last: number | null;
  bids: Level[];
  asks: Level[];
  volume: number;
  recent: [at: number, price: number, qty: number][];
  mark?: number;
  mark_source?: "estimate" | "anchor" | "bid" | "book" | "last" | "settled";
}

/** `robot`: the server plays it. `stand_in`: a robot sits in for this player, who is away. */
export interface Player {
  name: string;
  robot?: true;
  stand_in?: true;
}

/** What somebody said to everyone; `number` counts the game's messages. */
export interface Message {
  player: string;
  text: string;
  at: number;
  number?: number;
}

/** Headline of the game's, or of the host's; `good` if they are about one. */
export interface Headline {
  text: string;
  good: string | null;
  at: number;
}

/**
 * Of a good, in this round: coins a unit that whoever buys pays, and whoever sells, besides the price.
 *
 * Orders below `floor` or above `ceiling` are `outside_price_limits`.
 */
export interface GoodTerms {
  buyer_tax?: number;
  seller_tax?: number;
  floor?: number;
  ceiling?: number;
}

/** What is different in this round: the taker's fee, if it is not that of the `rules`, and the terms of goods. */
export interface Treatment {
  fee_bps?: number;
  goods?: Record<string, GoodTerms>;
}

/**
 * A game's public state: at most 50 messages, oldest first.
 *
 * `opened_at`: when the round opened; `ends_at`: when the phase ends, null until the host says so. `settled`:
 * what a unit of each good was paid, in a closed round. `paused_at`: since when the host has paused the game: nobody
 * trades, and `ends_at` less `paused_at` is what is left of the phase. `treatment`: what is different in this round.
 * `over`: the last round is closed; `winners`: who gained most in all rounds together, 10 at most.
 * `groups`: nobody trades here, it is the entrance to these games. `group`: it is one of an entrance.
 */
export interface State {
  title: string;
  about: string;
  phase: Phase;
  round: number;
  ends_at: number | null;
  opened_at: number | null;
  rules: Rules;
  goods: Record<string, Good>;
  players: Record<string, Player>;
  messages: Message[];
  news: Headline[];
  settled: Record<string, number>;
  locked?: true;
  chat?: boolean;
  paused_at?: number;
  reports?: true;
  treatment?: Treatment;
  over?: true;
  winners?: string[];
  groups?: Group[];
  group?: GroupOf;
}

/** An order that rests in the book; `qty` is what is left of it, `filled` how much of it has traded. */
export interface OpenOrder {
  order: string;
  good: string;
  side: Side;
  qty: number;
  price: number;
  filled?: number;
}

/** What a good will not settle at, told to this player alone. */
export interface Hint {
  good: string;
  not: number;
  text: string;
  at: number;
}

/**
 * What a player has traded of a good in this round: `cost` and `proceeds` are without the `fees`.
 *
 * `gain`: what that made so far, at the marks: the good's part of `worth - start`. `average_bought`, `average_sold`:
 * what a unit cost and brought; none where nothing was bought or sold.
 */
export interface Position {
  bought: number;
  cost: number;
  sold: number;
  proceeds: number;
  fees: number;
  gain: number;
  average_bought?: number;
  average_sold?: number;
}

/**
 * A player's own: `cash` and `goods` are what is free, `held_…` what open orders hold.
 *
 * `worth`: everything at the marks; `start`: what the round began with, at the same, null while the player takes no
 * part in a round; `score`: what was gained over all closed rounds. `role` and `values`, each unit's value to this
 * player, only in a game with private values; `hints` only where goods settle. `keys`: `since` of the player's next
 * commands. `positions`: by good, what was traded in this round; their gains together are `worth - start`.
 * `cancel_on_disconnect`: as the player chose at a `join`. `ready`: the player said so; `right`: how many
 * answers to the quiz were right, at best. `group`: in an entrance, the game to join.
 */
export interface Account {
  cash: number;
  held_cash: number;
  goods: Record<string, number>;
  held_goods: Record<string, number>;
  orders: OpenOrder[];
  worth: number;
  start: number | null;
  score: number;
  role?: "buyer" | "seller";
  values?: Record<string, number[]>;
  hints?: Hint[];
  muted?: true;
  keys?: number;
  positions?: Record<string, Position>;
  cancel_on_disconnect?: true;
  ready?: true;
  right?: number;
  group?: string;
}

/** Somebody opened an account; `robot`: the server plays it. */
export interface Joined {
  type: "joined";
  player: string;
  name: string;
  robot?: true;
}

/** The host took a player's account away, or a robot left. */
export interface Removed {
  type: "removed";
  player: string;
}

/** A robot sits in for a player from now on, or no more. */
export interface SeatChanged {
  type: "seat";
  player: string;
  stand_in: boolean;
}

/**
 * A trade, at the resting order's price. `taker`: the side that did not rest; `number` counts the game's trades.
 *
 * In an anonymous game it names neither `buyer` nor `seller`: see `fills`.
 */
export interface Trade {
  type: "trade";
  good: string;
  price: number;
  qty: number;
  taker: "buy" | "sell";
  buyer?: string;
  seller?: string;
  number?: number;
}

/** The best five levels a side, best first, when a frame changed them; at most one a good a frame. */
export interface BookChanged {
  type: "book";
  good: string;
  bids: Level[];
  asks: Level[];
}

/** What a unit of a good counts for changed, or where that comes from; at most one a good a frame. */
export interface MarkChanged {
  type: "mark";
  good: string;
  mark: number;
  mark_source: "estimate" | "anchor" | "bid" | "book" | "last" | "settled";
}

/** Somebody said something to everyone; `number` counts the game's messages. */
export interface Said {
  type: "said";
  player: string;
  text: string;
  number?: number;
}

/** The host deleted a message. */
export interface Unsaid {
  type: "unsaid";
  number: number;
}

/** `locked`: nobody new may have an account. `chat`: people may speak. `reports`: each may read their own. */
export interface AccessChanged {
  type: "access";
  locked: boolean;
  chat: boolean;
  reports?: true;
}

/**
 * The phase changed. `ends_at`: null until the host says so. `opened_at`: when it opened, if it just did.
 *
 * `settled`: what a unit of each good was paid, where goods settle and the round has closed. `treatment`: what is
 * different in this round. `over`: this was the last round; `winners`: who gained most in all rounds together.
 */
export interface RoundChanged {
  type: "round";
  phase: Phase;
  round: number;
  ends_at: number | null;
  opened_at?: number;
  settled?: Record<string, number>;
  treatment?: Treatment;
  over?: true;
  winners?: string[];
}

/**
 * The host paused the game, let it go on, or gave the phase more time. `paused_at`: since when it is paused.
 *
 * While it is, `ends_at` less `paused_at` is what is left of the phase.
 */
export interface ClockChanged {
  type: "clock";
  ends_at: number | null;
  paused_at?: number;
}

/**
 * The host lets everybody read what the closed rounds came to. `round`: the present one.
 *
 * `winners`: who gained most in all rounds together, if the last one is closed.
 */
export interface Revealed {
  type: "revealed";
  round: number;
  winners?: string[];
}

/** News, about `good` if there is one. */
export interface News {
  type: "news";
  text: string;
  good?: string;
}

/**
 * Everything public that one step of the game did. `seq` rises by exactly one from frame to frame.
 *
 * A client that sees any other number has lost something, and joins again. Other types of events may be added: a
 * client ignores those that it does not know.
 */
export interface Frame {
  push: "events";
  game: string;
  epoch: string;
  seq: number;
  at: number;
  events: Event[];
}

/** What `player` said to `to` alone: to the connections of both that have joined the game. */
export interface Whisper {
  push: "whisper";
  game: string;
  seq: number;
  player: string;
  to: string;
  text: string;
  at: number;
}

/**
 * The player's part in the trade with the number `trade`: `bid` bought, `ask` sold.
 *
 * `taker`: the side that did not rest. `order`: the player's own that traded; a `buy` and a `sell` have none.
 * `maker`: it was the player's order that rested. `fee`: what the player paid: the taker's fee, and their side's tax.
 */
export interface Fill {
  trade: number;
  at: number;
  good: string;
  side: Side;
  price: number;
  qty: number;
  taker: "buy" | "sell";
  fee: number;
  order?: string;
  maker?: true;
}

/** The player's own trades in a frame: to each of their connections that has joined the game. */
export interface Fills {
  push: "fills";
  game: string;
  seq: number;
  at: number;
  fills: Fill[];
}

/** Another device signed in as this player, by a code or a personal link: to the connections of all others. */
export interface Device {
  push: "device";
}

/** `cost` is without the `fee`; `cash` is what is free after it; `replayed`: the first result again. */
export interface Bought {
  filled: number;
  cost: number;
  fee: number;
  cash: number;
  seq: number;
  replayed?: true;
  keys?: number;
}

/** `proceeds` are before the `fee`; `cash` is what is free after it. */
export interface Sold {
  filled: number;
  proceeds: number;
  fee: number;
  cash: number;
  seq: number;
  replayed?: true;
  keys?: number;
}

/** `filled` traded at once, `resting` rests under the id `order`; `cash` is what is free after it. */
export interface Ordered {
  order: string;
  filled: number;
  resting: number;
  cash: number;
  seq: number;
  replayed?: true;
  keys?: number;
}

/** `cash` for a bid, `qty` for an ask; the other is 0. */
export interface Released {
  cash: number;
  qty: number;
}

/** The order is out of the book, and what it held is free again. */
export interface Cancelled {
  order: string;
  released: Released;
  seq: number;
  replayed?: true;
  keys?: number;
}

/** `cash` for bids, `goods` for asks: of each good as many units as were released, if any. */
export interface ReleasedAll {
  cash: number;
  goods: Record<string, number>;
}

/** How many orders were `cancelled`; what they held is free again. */
export interface AllCancelled {
  cancelled: number;
  released: ReleasedAll;
  seq: number;
  replayed?: true;
  keys?: number;
}

/** It was done; `seq` is the game's last frame then. */
export interface Sent {
  seq: number;
  replayed?: true;
  keys?: number;
}

/** `right`: of each question of the quiz, whether it was answered rightly; empty where there is none. */
export interface Readied {
  right: boolean[];
  seq: number;
  replayed?: true;
  keys?: number;
}

/** One good's book: levels best first. */
export interface Book {
  good: string;
  bids: Level[];
  asks: Level[];
  last: number | null;
  seq: number;
}

/**
 * A place in the standings. Equal `worth` (by total: `score`) is equal `rank`; who joined first stands first.
 *
 * In a game with private values, and in an anonymous one, `worth` is the `score`: the gains of the closed rounds.
 * `robot`, `stand_in`: as in the players of the state.
 */
export interface Standing {
  rank: number;
  player: string;
  name: string;
  worth: number;
  score: number;
  robot?: true;
  stand_in?: true;
}

/** An order that is done, at `at`: what it `became`, how much of it had traded, and the `qty` that was left. */
export interface DoneOrder {
  order: string;
  good: string;
  side: Side;
  qty: number;
  price: number;
  filled: number;
  became: "filled" | "cancelled" | "met_own" | "replaced" | "disconnected" | "round_over";
  at: number;
}

/**
 * The player's orders as they were at frame `seq`: the `open` ones, and of this round the last that are `done`.
 *
 * The oldest first; of those that are done, the one that was done first.
 */
export interface OwnOrders {
  open: OpenOrder[];
  done: DoneOrder[];
  seq: number;
}

// End of what is generated.
