/**
 * The types of tradegame.js. Money in coins, goods in whole units, times in ms since the Unix epoch.
 *
 * A bot in TypeScript: save this beside tradegame.js, and `import { connect } from "./tradegame.js"`.
 */

/** A price, and the quantity that rests at it. */
export type Level = [price: number, qty: number];
export type Phase = "lobby" | "open" | "closed";
export type Side = "bid" | "ask";

// What one connects with

export interface Options {
  /** 1 to 32 printable characters, for a new player. With a `token` that is no longer valid: who one is then. */
  name?: string;
  /** An earlier `client.token`, to be that player again. */
  token?: string;
  /** What this program calls itself, for the server's log. */
  client?: string;
  /** Go to the server's other nodes when this one fails. Off in a browser, where a page may only talk to its own origin. */
  follow?: boolean;
  /** For where there is none: the one of the package `ws`, on Node before 22. */
  WebSocket?: unknown;
  /** How long a call may take in all, reconnects included; else 30 000. */
  deadlineMs?: number;
  /**
   * How long after it was asked for a command may still happen: else 5 000 in a browser, and `Infinity` elsewhere. One that
   * was never sent is rejected then, `unsent`. One in doubt is not sent again later than that: once there is a connection
   * its key is taken, and it turns out to have happened, or never will. A `join`, and what only reads, waits for `deadlineMs`.
   */
  unsentMs?: number;
  /** How long until the first connection must be there; else 30 000, and in a browser `Infinity`. */
  connectDeadlineMs?: number;
}

/** Connects and says hello. In a browser the address is the page's own server. Rejects with a TradeError. */
export function connect(options?: Options): Promise<Client>;
export function connect(url: string | URL | (string | URL)[] | undefined, options?: Options): Promise<Client>;

/** A key that nobody else makes: the same key sent again has one effect. */
export function newKey(): string;

export type ErrorCode =
  | "bad_request"
  | "unknown_op"
  | "unknown_game"
  | "unknown_good"
  | "unknown_player"
  | "unknown_order"
  | "not_authenticated"
  | "unauthorized"
  | "not_joined"
  | "game_full"
  | "not_open"
  | "insufficient_cash"
  | "insufficient_goods"
  | "no_liquidity"
  | "too_many_orders"
  | "too_many_fills"
  | "key_reused"
  | "rate_limited"
  | "overloaded"
  | "unavailable"
  | "timeout"
  | "internal"
  /** The client's own: it could not be sent in `unsentMs`, and surely did not and will not happen. */
  | "unsent"
  /** The client's own: it was closed, or stopped by the server. */
  | "closed"
  /** The client's own: no server was there in `connectDeadlineMs`. */
  | "unreachable"
  | (string & {});

/** As on the wire. */
export interface TradeErrorFields {
  code: ErrorCode;
  message: string;
  definite?: boolean;
  at?: string | null;
  retry_after_ms?: number | null;
  replayed?: boolean;
  key?: string | null;
}

/** What the server, or the client, says no with. */
export class TradeError extends Error {
  constructor(fields: TradeErrorFields);
  name: string;
  code: ErrorCode;
  /** `false`: nobody knows whether it happened. The same call with the same `key` finds out, and does it if it had not: soon,
   * while the key is among the player's last 256 in that game. */
  definite: boolean;
  /** Which field was wrong, as `$.qty`. */
  at: string | null;
  retryAfterMs: number | null;
  /** The first answer to that key, given again. */
  replayed: boolean;
  /** The command's. */
  key: string | null;
}

// The client

export interface PlayerInfo {
  id: string;
  name: string;
}

/** How the server presents itself: `commands_per_s` and `burst` are how fast a player may send. */
export interface ServerInfo {
  version: string;
  node: string;
  heartbeat_s: number;
  frame_bytes: number;
  commands_per_s: number;
  burst: number;
  /** Where the nodes that live can be reached, this one first. */
  nodes?: string[];
}

/** `live`: greeted, and every game is up to date. */
export interface Connection {
  state: "connecting" | "live" | "reconnecting" | "stopped";
  /** Why, for a person. */
  reason: string;
  /** When it is tried again, by this machine's clock. */
  retryAt: number | null;
  /** Commands that wait for their answer. */
  unanswered: number;
  /** Whether the socket that ended last had opened. False: nobody was there, or something between lets no WebSocket through. */
  opened: boolean;
  /** Once stopped: `closed`, the server's close code, or an error's code. */
  code?: string;
}

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
}

export interface ClientEvents {
  /** The connection changed, or what is unanswered. */
  state: (connection: Connection) => unknown;
}

/** A player's connection to a server, whichever socket it has at the moment. */
export class Client {
  /** Connects at once, and does not wait: `ready` tells. */
  constructor(url?: string | URL | (string | URL)[], options?: Options);
  /** Resolves at the first `hello`; rejects with a TradeError when there will be none. */
  readonly ready: Promise<Client>;
  /** The games that are followed, by id. */
  readonly games: Map<string, Game>;
  /** Null before `ready`, as `token` and `server` may be. */
  readonly player: PlayerInfo | null;
  /** What makes one the same player next time, on any node. A secret. */
  readonly token: string | null;
  readonly server: ServerInfo | null;
  readonly connection: Connection;
  readonly unanswered: number;
  /** How often it went on at another address. */
  readonly failovers: number;
  /** Where it may go: the addresses given, then those that the server told last. */
  readonly urls: string[];
  /** Returns what takes the listener off again. */
  on<Type extends keyof ClientEvents>(type: Type, listener: ClientEvents[Type]): () => void;
  /** The server's clock, in ms since the Unix epoch, as well as it is known. Setting this machine's clock does not move it. */
  now(): number;
  /** Follows a game: as a player, or looking on. Joining again gives the same Game. */
  join(id: string, options?: { spectate?: boolean; key?: string }): Promise<Game>;
  list(): Promise<GameSummary[]>;
  /** Any op of the protocol, by its name; commands get a `key` if they have none. */
  request(op: string, fields?: Record<string, unknown>, options?: { deadlineMs?: number; unsentMs?: number }): Promise<any>;
  /** Leaves for good. What is unanswered is rejected with `closed`. */
  close(): void;
}

// A game's state

export interface Good {
  /** The last price; the house's anchor until the first trade; null where there is neither. */
  last: number | null;
  /** Five levels a side, best first. */
  bids: Level[];
  asks: Level[];
  volume: number;
  /** At most 200 trades, oldest first. */
  recent: [at: number, price: number, qty: number][];
}

export interface Message {
  player: string;
  text: string;
  at: number;
}

export interface Headline {
  text: string;
  good: string | null;
  at: number;
}

/** What of the game's definition players may know. */
export interface Rules {
  cash: number;
  fee_bps: number;
  open_orders: number;
  rounds: { lobby_s: number; open_s: number; closed_s: number; repeat: number } | null;
  /** `settlement`: the values at one of which it is paid at the close. */
  goods: Record<string, { endowment: number; house: boolean; private_values: boolean; settlement: number[] | null }>;
}

/** Read it, do not write it. A reset makes it another object. */
export interface State {
  title: string;
  about: string;
  phase: Phase;
  round: number;
  ends_at: number | null;
  opened_at: number | null;
  rules: Rules;
  goods: Record<string, Good>;
  players: Record<string, { name: string }>;
  /** At most 50, oldest first. */
  messages: Message[];
  /** At most 20, oldest first. */
  news: Headline[];
  /** What each unit of a good was paid when this round closed. */
  settled: Record<string, number>;
}

export interface OpenOrder {
  order: string;
  good: string;
  side: Side;
  /** What still rests. */
  qty: number;
  price: number;
}

/** `cash` and `goods` are what is free. */
export interface Account {
  cash: number;
  held_cash: number;
  goods: Record<string, number>;
  held_goods: Record<string, number>;
  orders: OpenOrder[];
  /** All of it, goods at their last price. */
  worth: number;
  /** The worth with which this round began, valued as now. */
  start: number;
  /** The gains of closed rounds. */
  score: number;
  /** With private values: `buyer` or `seller`. */
  role?: string | null;
  /** With private values: what the 1st, 2nd … unit held at the close is worth to this player. */
  values?: Record<string, number[]>;
  /** Where goods settle: values that one will not settle at. */
  hints?: { good: string; not: number; text: string; at: number }[];
}

// What happens in it

export interface Trade {
  type: "trade";
  good: string;
  price: number;
  qty: number;
  /** A player's id, or `house`. */
  buyer: string;
  seller: string;
  /** Which side did not rest. */
  taker: "buy" | "sell";
}

export interface BookChanged {
  type: "book";
  good: string;
  bids: Level[];
  asks: Level[];
}

export interface Joined {
  type: "joined";
  player: string;
  name: string;
}

export interface Said {
  type: "said";
  player: string;
  text: string;
}

export interface RoundChanged {
  type: "round";
  phase: Phase;
  round: number;
  ends_at: number | null;
  opened_at?: number;
  settled?: Record<string, number>;
}

export interface News {
  type: "news";
  text: string;
  good?: string;
}

export type Event = Trade | BookChanged | Joined | Said | RoundChanged | News;

/** Everything public that one step of the game brought. `seq` rises by one from frame to frame. */
export interface Frame {
  push: "events";
  game: string;
  epoch: string;
  seq: number;
  at: number;
  events: Event[];
}

/** In place of frames that cannot be had, up to `seq`: `game.state` has missed nothing. */
export interface ResetFrame {
  push: "reset";
  game: string;
  epoch: string;
  seq: number;
  events: [];
}

/** Private: from `player` to `to`, one of whom you are. */
export interface Whisper {
  push: "whisper";
  game: string;
  seq: number;
  player: string;
  to: string;
  text: string;
  at: number;
}

export interface GameEvents {
  trade: (trade: Trade, frame: Frame) => unknown;
  book: (book: BookChanged, frame: Frame) => unknown;
  joined: (joined: Joined, frame: Frame) => unknown;
  said: (said: Said, frame: Frame) => unknown;
  round: (round: RoundChanged, frame: Frame) => unknown;
  news: (news: News, frame: Frame) => unknown;
  /** After the events of a frame, one by one: the frame. */
  events: (frame: Frame) => unknown;
  /** `game.me` is new. */
  account: (me: Account) => unknown;
  whisper: (whisper: Whisper) => unknown;
  /** Who is here. */
  presence: (online: Set<string>) => unknown;
  /** `game.state` is another one as a whole: what came before leads nowhere. */
  reset: () => unknown;
  /** After a reconnect: the missed frames follow. */
  resumed: () => unknown;
  /** It was deleted, or cannot be joined any more: it has ended. */
  gone: (error: TradeError) => unknown;
}

// What calls return. `seq`: the game's place right after it; `replayed`: it had happened before, this is its first answer.

export interface Bought {
  filled: number;
  /** Without the `fee`. */
  cost: number;
  fee: number;
  cash: number;
  seq: number;
  replayed?: true;
}

export interface Sold {
  filled: number;
  /** Before the `fee`. */
  proceeds: number;
  fee: number;
  cash: number;
  seq: number;
  replayed?: true;
}

export interface Ordered {
  order: string;
  filled: number;
  resting: number;
  cash: number;
  seq: number;
  replayed?: true;
}

export interface Cancelled {
  order: string;
  released: { cash: number; qty: number };
  seq: number;
  replayed?: true;
}

export interface Sent {
  seq: number;
  replayed?: true;
}

export interface Book {
  good: string;
  bids: Level[];
  asks: Level[];
  last: number | null;
  seq: number;
}

export interface Standing {
  rank: number;
  player: string;
  name: string;
  worth: number;
  score: number;
}

/**
 * One game that is followed. Commands reject with a TradeError, and are settled exactly once, whatever happens to the
 * connection meanwhile.
 */
export class Game {
  /** `client.join()` makes it. */
  private constructor();
  readonly id: string;
  readonly spectate: boolean;
  readonly state: State;
  /** The player's account; null for who only looks on. */
  readonly me: Account | null;
  /** The players who are connected. */
  readonly online: Set<string>;
  readonly epoch: string;
  /** The last frame that `state` holds. */
  readonly seq: number;
  /** Left, gone, or the client has stopped: nothing more comes. */
  readonly ended: boolean;
  /** Returns what takes the listener off again. */
  on<Type extends keyof GameEvents>(type: Type, listener: GameEvents[Type]): () => void;
  /** The game's clock, in ms since the Unix epoch: the server's, unless frames say that it is later in the game. */
  now(): number;
  /** Buys up to `qty` units now, none dearer than `limit`. */
  buy(good: string, qty: number, options?: { limit?: number | null; key?: string }): Promise<Bought>;
  /** Sells up to `qty` units now, none cheaper than `limit`. */
  sell(good: string, qty: number, options?: { limit?: number | null; key?: string }): Promise<Sold>;
  /** What does not trade at once rests at `price`. */
  order(good: string, side: Side, qty: number, price: number, options?: { key?: string }): Promise<Ordered>;
  cancel(order: string, options?: { key?: string }): Promise<Cancelled>;
  /** 1 to 500 characters, to everyone, or to the player with the id `to` alone. */
  say(text: string, options?: { to?: string | null; key?: string }): Promise<Sent>;
  /** `depth` levels a side, 1 to 100; else 10. */
  book(good: string, depth?: number): Promise<Book>;
  /** The richest `limit` players, 1 to 100; else 10. */
  standings(limit?: number): Promise<Standing[]>;
  /** No more news of it: `events()` ends. The account stays. Leaving again does nothing. */
  leave(): Promise<void>;
  /** Every frame from this call on, until the game is left or gone, or the client stops. */
  events(): AsyncIterableIterator<Frame | ResetFrame>;
}
