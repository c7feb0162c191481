/**
 * The client of tradegame: one ES module without dependencies, for browsers and Node. Types are in tradegame.d.ts.
 *
 *     import { connect } from "/tradegame.js";
 *     const client = await connect({ name: "ann" });
 *     const game = await client.join("bazaar");
 *     game.on("trade", (trade) => console.log(trade.good, trade.price));
 *     await game.buy("grain", 3, { limit: 24 });
 *
 * Outside a browser, `connect("ws://host:8765/ws", { name: "ann" })`; Node before 22 has no WebSocket of its own, and
 * takes one as `{ WebSocket }`, from the package `ws`.
 *
 * Whatever happens to the connection, it comes back by itself: the client takes up its session, resumes each game after
 * the last frame it saw, and sends again what was not answered, with the same keys, so that it happens once. Every
 * command is settled exactly once: by its answer, or after its deadline by a TradeError that says whether it may have
 * happened. One that could not be sent within `unsentMs`, 5 s in a browser, does not happen any more.
 *
 * In the order of this file: errors and listeners, Client, Link (one socket), Requests (what is unanswered, across
 * sockets), Nodes and Pace (where to go next, and when), Game, EventStream, the folding of events into a state.
 *
 * @import * as T from "./tradegame.d.ts"
 */

const PROTOCOL = "tradegame.v1";
const ABNORMAL = 1006;
const GOING_AWAY = 1001;

const COMMAND_DEADLINE_MS = 30_000;
const CONNECT_DEADLINE_MS = 30_000;
/** What a person pressed and could not be sent is worth this much patience: after that, the market is another one. */
const UNSENT_MS = 5_000;
/** A machine that says it has no network is wrong where the server has answered in this time. */
const REACHED_MS = 2_000;
const MOST_UNANSWERED = 1_000;
/**
 * No new key goes out while one that is not settled has so many newer ones, less one, in its game. The server remembers a
 * player's last 256 per game: what is left over is for the player's other tabs, of which this one does not know.
 */
const WINDOW = 100;
const FRAME_BYTES = 16_384;
const STREAM_FRAMES = 1_000;
/** As many as the server keeps. */
const KEPT = { recent: 200, messages: 50, news: 20 };

/** What the server remembers a player's keys for: each of these has one. */
const KEYED = new Set(["join", "buy", "sell", "order", "cancel", "say"]);
/** What must not happen long after it was asked for. */
const PROMPT = new Set(["buy", "sell", "order", "cancel", "say"]);
/** No game has an order of that name: to cancel it does nothing, but to take the key. */
const NO_ORDER = "-";
/** What changes nothing, and so may be asked again at will. */
const READS = new Set(["ping", "games", "me", "book", "standings"]);
/** Not taken in this time: try again. */
const LATER = new Set(["rate_limited", "overloaded"]);
/** Said by a node before it looks at the key. Of a time before, when the answer was lost, they say nothing. */
const BEFORE_THE_KEY = new Set([...LATER, "bad_request", "unknown_op", "unknown_game", "not_authenticated", "not_joined"]);

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
function tradeError(error, key) {
  if (typeof error?.code !== "string" || typeof error.definite !== "boolean") throw new TypeError("an error of no known form");
  return new TradeError({ ...error, message: String(error.message ?? error.code), key });
}

/** Those who want to know. */
class Emitter {
  /** @type {Map<string, Set<(...details: any[]) => unknown>>} */
  #listeners = new Map();

  /**
   * Calls `listener` at each event of that type; returns what takes it off again.
   * @param {string} type
   * @param {(...details: any[]) => unknown} listener
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * A listener that throws, or rejects, stops neither the others nor the connection.
   * @param {string} type
   * @param {any[]} details
   */
  _emit(type, ...details) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        const result = listener(...details);
        if (result instanceof Promise) result.catch((error) => console.error(error));
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/**
 * Connects and says hello. Rejects with a TradeError when the server will not have us, or when, outside a browser,
 * none was there in 30 s.
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

function ownAddress() {
  if (typeof location === "undefined") throw new TypeError("outside a browser connect needs the server's address");
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}

/** A key that nobody else makes: the same key sent again has one effect. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const WHY = { 4001: "read too slowly", 4002: "the connection went silent", 4003: "the server is full", 1001: "the server is going away" };
const WHY_STOPPED = { 4500: "refused", 4501: "kicked", 4502: "the session is no longer valid" };

/** A player's connection to a server, whichever socket it has at the moment. */
export class Client extends Emitter {
  /** The games that are followed, by id.
   * @type {Map<string, Game>} */
  games = new Map();
  /** @type {T.PlayerInfo | null} */
  player = null;
  /** What makes one the same player next time. A secret.
   * @type {string | null} */
  token = null;
  /** @type {T.ServerInfo | null} */
  server = null;
  /** connecting, live, reconnecting, stopped; and why, when it is tried again, how much is unanswered, whether the last socket opened.
   * @type {T.Connection} */
  connection = { state: "connecting", reason: "", retryAt: null, unanswered: 0, opened: false };
  /** How often it went on at another address. */
  failovers = 0;
  /** Resolves with the client at the first `hello`.
   * @type {Promise<Client>} */
  ready;

  #options;
  #WebSocket;
  #requests = new Requests();
  #nodes;
  #pace;
  /** @type {Link | null} */
  #link = null;
  /** On performance.now(); null: this connection has not been greeted yet.
   * @type {number | null} */
  #greetedAt = null;
  /** Games that this connection has not resumed yet.
   * @type {Set<Game>} */
  #behind = new Set();
  /** @type {Map<string, Promise<Game>>} */
  #joining = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadline;
  #vigil = new Vigil();
  #health = new Health();
  #clock = new ServerClock();
  #last = "";
  #rejections = 0;
  /** When the server answered a ping last, or hello, on performance.now(). */
  #reachedAt = -Infinity;
  /** @type {{resolve: (client: Client) => void, reject: (error: TradeError) => void}} */
  #settle;
  #wake = () => this.#hurry();

  /** @param {string | URL | (string | URL)[]} [url] @param {T.Options} [options] */
  constructor(url, options = {}) {
    super();
    const inBrowser = typeof document !== "undefined";
    const urls = (Array.isArray(url) ? url : [url ?? ownAddress()]).map(checkUrl);
    this.#options = { follow: !inBrowser, client: "tradegame.js", deadlineMs: COMMAND_DEADLINE_MS, unsentMs: inBrowser ? UNSENT_MS : Infinity, ...options };
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) throw new TypeError("no WebSocket here: pass one, as options.WebSocket");
    this.token = options.token ?? null;
    this.#nodes = new Nodes(urls);
    this.#pace = new Pace(this.#nodes);
    this.#requests.onchange = () => this.#changed({});
    this.#requests.offline = () => globalThis.navigator?.onLine === false && this.#link !== null && !isLocal(this.#link.url) && performance.now() - this.#reachedAt > REACHED_MS;
    this.#requests.onoutcome = (op, code, sentAt) => this.#judge(op, code, sentAt);
    this.#settle = { resolve: () => {}, reject: () => {} };
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ready.catch(() => {});
    const most = options.connectDeadlineMs ?? (inBrowser ? Infinity : CONNECT_DEADLINE_MS);
    if (most !== Infinity) this.#deadline = setTimeout(() => this.#tooLate(most), most);
    if (inBrowser) {
      globalThis.addEventListener("online", this.#wake);
      document.addEventListener("visibilitychange", this.#wake);
    }
    this.#dial();
  }

  /** The server's clock, in ms since the Unix epoch, as well as it is known. Setting this machine's clock does not move it. */
  now() {
    return this.#clock.now();
  }

  /** How many commands wait for their answer. */
  get unanswered() {
    return this.#requests.commands;
  }

  /** Where it may go: the addresses that were given, then those that the server told last. */
  get urls() {
    return [...this.#nodes.urls];
  }

  /**
   * Follows a game: as a player, or looking on with `{spectate: true}`. Joining again gives the same Game.
   * @param {string} id
   * @param {{spectate?: boolean, key?: string}} [options]
   */
  join(id, { spectate = false, key } = {}) {
    const turn = () => this.#join(id, spectate, key);
    const before = this.#joining.get(id);
    const joining = (before === undefined ? turn() : before.then(turn, turn)).finally(() => {
      if (this.#joining.get(id) === joining) this.#joining.delete(id);
    });
    this.#joining.set(id, joining);
    return joining;
  }

  /** @returns {Promise<T.GameSummary[]>} */
  async list() {
    return (await this.request("games")).games;
  }

  /**
   * Any op, by its name; commands get a `key` if they have none. Resolves with `ok`, rejects with a TradeError.
   * @param {string} op
   * @param {Record<string, unknown>} [fields]
   * @param {{deadlineMs?: number, unsentMs?: number}} [options]
   * @returns {Promise<any>}
   */
  request(op, fields = {}, { deadlineMs = this.#options.deadlineMs, unsentMs = this.#options.unsentMs } = {}) {
    return this.#requests.ask(op, fields, { deadlineMs, unsentMs });
  }

  /** Leaves for good. What is unanswered is rejected. */
  close() {
    this.#stop("closed", "");
  }

  // Games

  /** @param {string} id @param {boolean} spectate @param {string | undefined} key */
  async #join(id, spectate, key) {
    const known = this.games.get(id);
    if (known && (spectate || !known.spectate)) return known;
    const game = known ?? new Game(this, id, spectate);
    try {
      // Without `after`, even when it is watched already: the answer then holds all there is to know.
      await this.#requests.ask("join", { game: id, ...(spectate ? { spectate } : {}), key }, this.#options, (ok) => {
        // Here and not after the await: the frames behind this answer may come in the same breath.
        if (game.ended) return;
        game.spectate = spectate;
        game._joined(ok);
        this.games.set(id, game);
        this.#caughtUp(game);
      });
    } catch (error) {
      if (known === undefined) this.#unfollow(id); // should the server have it, or be about to
      throw error;
    }
    if (!game.ended) return game;
    this.#unfollow(id);
    throw new TradeError({ code: "closed", message: "the game was left meanwhile" });
  }

  /** @param {Game} game @returns {Promise<void>} */
  _leave(game) {
    const followed = this.games.get(game.id) === game;
    game._end();
    if (!followed) return Promise.resolve();
    this.games.delete(game.id);
    this.#caughtUp(game);
    return this.#unfollow(game.id);
  }

  /**
   * No more news of it on this connection; the next one has none anyway.
   * @param {string} id
   * @returns {Promise<void>}
   */
  #unfollow(id) {
    const link = this.#link;
    if (link === null || this.#greetedAt === null) return Promise.resolve();
    return new Promise((resolve) => {
      const again = () => (this.games.has(id) || this.#joining.has(id) ? resolve() : leave());
      const leave = () =>
        this.#requests.put("leave", { game: id }, (_, error) => {
          if (error === null || !LATER.has(error.code)) resolve();
          else link.after((error.retryAfterMs ?? 0) + 100, again, resolve);
        });
      leave();
    });
  }

  /**
   * Joins a game again on this connection, after the last frame that was seen.
   * @param {Game} game
   */
  #follow(game) {
    const link = this.#link;
    if (link === null || this.games.get(game.id) !== game) return;
    this.#requests.put("join", game._resuming(), (ok, error) => {
      if (this.#link !== link || this.games.get(game.id) !== game) return;
      if (error === null) {
        game._joined(ok);
        this.#caughtUp(game);
      } else if (!error.definite || LATER.has(error.code)) {
        this.#changed({ reason: error.message });
        link.after((error.retryAfterMs ?? 0) + 100 + Math.random() * 1_000, () => this.#follow(game));
      } else {
        this.games.delete(game.id);
        game._emit("gone", error);
        game._end();
        this.#caughtUp(game);
      }
    });
  }

  /** @param {Game} game */
  #caughtUp(game) {
    this.#behind.delete(game);
    this.#live();
  }

  /** Live is who was greeted and has resumed every game. Commands need not wait for that. */
  #live() {
    if (this.#greetedAt === null || this.#behind.size || this.connection.state === "live") return;
    this.#changed({ state: "live", reason: "", retryAt: null });
  }

  // The connection

  #dial() {
    this.#retry = undefined;
    this.#greetedAt = null;
    const deadline = this.#pace.helloMs;
    const link = new Link(this.#WebSocket, this.#nodes.next(), {
      opened: () => this.#greet(link),
      text: (text) => this.#take(link, text),
      tick: () => this.#watch(link),
      ended: (how) => this.#lost(link, how),
    });
    this.#link = link;
    link.after(deadline, () => {
      if (this.#greetedAt === null) link.end(ABNORMAL, `no answer in ${deadline / 1000} s`, { silent: true });
    });
  }

  /** @param {Link} link */
  #greet(link) {
    const { name, client } = this.#options;
    const who = this.token !== null ? { token: this.token } : name === undefined ? {} : { name };
    link.send(JSON.stringify({ id: 0, op: "hello", ...who, client }));
  }

  /** @param {Link} link @param {any} ok */
  #welcomed(link, ok) {
    if (typeof ok?.token !== "string" || typeof ok.player?.id !== "string" || typeof ok.server !== "object") throw new TypeError("a hello of no known form");
    this.player = ok.player;
    this.token = ok.token;
    this.server = ok.server;
    this.failovers += Number(this.#last !== "" && this.#last !== link.url);
    this.#last = link.url;
    this.#nodes.met(link.url, ok.server.node, this.#options.follow ? (ok.server.nodes ?? []) : []);
    this.#greetedAt = this.#reachedAt = performance.now();
    this.#rejections = 0;
    this.#vigil = new Vigil(ok.server.heartbeat_s);
    this.#health = new Health();
    this.#clock.doubt();
    clearTimeout(this.#deadline);
    this.#behind = new Set(this.games.values());
    this.#requests.connected((text) => link.send(text), ok.server.frame_bytes);
    this.#probe();
    for (const game of this.#behind) this.#follow(game);
    this.#requests.resend();
    this.#settle.resolve(this);
    this.#live();
  }

  /** @param {Link} link @param {TradeError} error */
  #refused(link, error) {
    if (error.code === "unauthorized" && this.player === null && this.token !== null && this.#options.name !== undefined) {
      this.token = null; // the session is over: somebody new, of that name
      this.#greet(link);
      return;
    }
    this.#rejections += 1;
    // An address that was only told may be somebody else's by now: once is not enough there.
    const believed = this.#nodes.given.includes(link.url) || this.#rejections > 1;
    if (error.definite && !LATER.has(error.code) && believed) this.#stop(error.code, error.message, error);
    else link.end(ABNORMAL, error.message, { waitMs: error.retryAfterMs ?? 0 });
  }

  /**
   * What is not of the protocol ends the connection, so that nothing that was in it is missing unnoticed.
   * @param {Link} link
   * @param {unknown} text
   */
  #take(link, text) {
    if (this.#link !== link) return;
    this.#vigil.heard();
    try {
      const data = typeof text === "string" ? JSON.parse(text) : null;
      if (typeof data !== "object" || data === null || Array.isArray(data)) throw new TypeError("a frame that is no JSON object");
      if (data.push !== undefined) this.#push(link, data);
      else if (this.#greetedAt !== null) this.#requests.answer(data);
      else if (data.id === 0 && data.error !== undefined) this.#refused(link, tradeError(data.error, null));
      else if (data.id === 0) this.#welcomed(link, data.ok);
    } catch (error) {
      console.warn("tradegame:", error);
      link.end(ABNORMAL, `the server sent ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {Link} link @param {any} data */
  #push(link, data) {
    const game = this.games.get(data.game);
    if (game === undefined) return; // left a moment ago
    if (data.push === "gone") {
      // Deleted, or only stopped on this node? The answer to a join tells.
      if (data.epoch === game.epoch) link.after(Math.random() * 1_000, () => this.#follow(game));
    } else if (!game._push(data)) {
      if (game._gaps > GAPS) link.end(ABNORMAL, "frames are missing again and again");
      else this.#follow(game);
    }
  }

  /** @param {Link} link @param {Ended} how */
  #lost(link, { code, reason, failing, waitMs }) {
    if (this.#link !== link) return;
    this.#link = null;
    const lasted = this.#greetedAt === null ? null : performance.now() - this.#greetedAt;
    this.#greetedAt = null;
    this.#requests.disconnected();
    if (code >= 4500 && code <= 4999) {
      this.#stop(String(code), reason || /** @type {Record<number, string>} */ (WHY_STOPPED)[code] || "refused");
      return;
    }
    const pause = this.#pace.pause(link.url, code, lasted, failing, waitMs);
    this.#retry = setTimeout(() => this.#dial(), pause);
    this.#changed({
      state: this.player === null ? "connecting" : "reconnecting",
      reason: reason || /** @type {Record<number, string>} */ (WHY)[code] || "no connection",
      retryAt: Date.now() + pause,
      opened: link.opened,
    });
  }

  /** Once a second. @param {Link} link */
  #watch(link) {
    if (this.#link !== link || this.#greetedAt === null) return; // hello has a deadline of its own
    this.#requests.next();
    if (this.#clock.tick() || this.#requests.kept) this.#probe();
    const todo = this.#vigil.tick(this.#requests.age(), this.#pace.hasty, this.#pace.patience);
    if (todo === "ask") this.#probe();
    else if (todo === "leave") link.end(ABNORMAL, "the server does not answer", { failing: true, silent: true });
  }

  /** Is anybody there? And how late is it there? */
  #probe() {
    const answered = this.#clock.ask();
    this.#requests.put("ping", {}, (ok, error) => {
      answered(ok?.at);
      if (error !== null) return;
      this.#reachedAt = performance.now(); // whatever the machine says
      this.#requests.next();
    });
  }

  /**
   * An answer came: does this node do its work?
   * @param {string} op
   * @param {string | null} code
   * @param {number} sentAt
   */
  #judge(op, code, sentAt) {
    const useless = this.#health.answered(op, code, sentAt);
    if (useless && this.#link && this.#nodes.elsewhere(this.#link.url)) this.#link.end(ABNORMAL, `nothing but ${code}`, { failing: true });
  }

  /** The network is back, or somebody looks: now. */
  #hurry() {
    if (typeof document !== "undefined" && document.visibilityState === "hidden") return;
    if (this.#retry !== undefined) {
      clearTimeout(this.#retry);
      this.#dial();
    } else if (this.#greetedAt !== null) {
      if (this.#vigil.doubt()) this.#probe();
      this.#requests.next();
    }
  }

  /** @param {number} most */
  #tooLate(most) {
    const message = `no connection to ${this.#nodes.given.join(", ")} in ${most / 1000} s: ${this.connection.reason || "no answer"}`;
    this.#stop("unreachable", message, new TradeError({ code: "unreachable", message }));
  }

  /** @param {string} code @param {string} reason @param {TradeError} [error] */
  #stop(code, reason, error) {
    if (this.connection.state === "stopped") return;
    const link = this.#link;
    this.#link = this.#greetedAt = null;
    clearTimeout(this.#retry);
    clearTimeout(this.#deadline);
    this.#retry = undefined;
    link?.end(1000, "");
    if (typeof document !== "undefined") {
      globalThis.removeEventListener("online", this.#wake);
      document.removeEventListener("visibilitychange", this.#wake);
    }
    this.connection = { ...this.connection, state: "stopped", code, reason, retryAt: null };
    this.#requests.stop(reason ? `the connection is over: ${reason}` : "the client was closed");
    for (const game of this.games.values()) game._end();
    this.#settle.reject(error ?? new TradeError({ code: "closed", message: reason || "closed" }));
    this.#changed({});
  }

  /** @param {Partial<T.Connection>} change */
  #changed(change) {
    this.connection = { ...this.connection, ...change, unanswered: this.unanswered };
    this._emit("state", this.connection);
  }
}

// One connection

/** @typedef {{code: number, reason: string, failing: boolean, waitMs: number}} Ended
 *  `failing`: the node was there, but of no use. `waitMs`: it asked not to be tried again before. */

/** One socket, and the timers that end with it. */
class Link {
  /** @type {any} */
  #socket = null;
  opened = false;
  #over = false;
  #why = "";
  #ended;
  /** Each with what is called when it never comes to it.
   * @type {Map<ReturnType<typeof setTimeout>, () => void>} */
  #timers = new Map();
  /** @type {ReturnType<typeof setInterval>} */
  #ticking;

  /**
   * @param {any} WebSocket
   * @param {string} url
   * @param {{opened: () => void, text: (text: unknown) => void, tick: () => void, ended: (how: Ended) => void}} on
   */
  constructor(WebSocket, url, on) {
    this.url = url;
    this.#ended = on.ended;
    this.#ticking = setInterval(on.tick, TICK_MS);
    try {
      const socket = (this.#socket = new WebSocket(url, [PROTOCOL]));
      socket.onopen = () => {
        this.opened = true;
        on.opened();
      };
      socket.onmessage = (/** @type {{data: unknown}} */ { data }) => on.text(data);
      socket.onerror = (/** @type {{message?: string}} */ event) => (this.#why = event?.message ?? "");
      socket.onclose = (/** @type {{code: number, reason: string}} */ { code, reason }) => this.end(code, reason || this.#why);
    } catch (error) {
      // no address, or none that a page may go to
      this.after(0, () => this.end(ABNORMAL, String(error)));
    }
  }

  /** @param {string} text */
  send(text) {
    try {
      this.#socket.send(text);
    } catch {
      // it is closing: onclose comes, and what is unanswered is sent again
    }
  }

  /**
   * `call` in `ms`, unless the connection ends first: then `instead`.
   * @param {number} ms
   * @param {() => void} call
   */
  after(ms, call, instead = () => {}) {
    if (this.#over) return instead();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, ms);
    this.#timers.set(timer, instead);
  }

  /**
   * The end, once, whoever brings it about. `silent`: nobody is waited for to say goodbye.
   * @param {number} code
   * @param {string} reason
   */
  end(code, reason, { failing = false, silent = false, waitMs = 0 } = {}) {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ticking);
    const timers = [...this.#timers];
    this.#timers.clear();
    for (const [timer, instead] of timers) {
      clearTimeout(timer);
      instead();
    }
    const socket = this.#socket;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
      // `terminate` is of the package ws, which else holds a process for up to 30 s when the other side is dead.
      if (silent && socket.terminate) socket.terminate();
      else if (socket.readyState < CLOSING) socket.close();
      if (!silent && socket.terminate && socket.readyState !== CLOSED) {
        const timer = setTimeout(() => socket.terminate(), GOODBYE_MS);
        socket.onclose = () => clearTimeout(timer);
      }
    }
    this.#ended({ code, reason, failing, waitMs });
  }
}

const CLOSING = 2;
const CLOSED = 3;
const GOODBYE_MS = 1_000;
const TICK_MS = 1_000;

/**
 * Is the server still there? A browser does not tell of the server's pings: when nothing comes, the client asks.
 *
 * It counts ticks, one a second while this program runs, and looks at no clock: who slept, was stopped or is throttled
 * in a tab that nobody sees does not take the others for dead.
 */
class Vigil {
  #quiet = 0;
  /** Ticks that an answer may still take; null: nothing was asked.
   * @type {number | null} */
  #left = null;
  #tickedAt = Date.now();

  /** @param {unknown} [heartbeatS] */
  constructor(heartbeatS) {
    this.heartbeat = typeof heartbeatS === "number" ? Math.max(2, heartbeatS) : 20;
  }

  heard() {
    this.#quiet = 0;
    this.#left = null;
  }

  /** Somebody wakes up, and wants to know soon. Whether to ask. */
  doubt() {
    const asks = this.#left === null;
    this.#left = Math.min(this.#left ?? WAKE_TICKS, WAKE_TICKS);
    return asks;
  }

  /**
   * `age`: for how many ticks the oldest request is unanswered. A node that only waits for its store reads nothing for
   * up to 8 s: with nowhere else to go that is waited out.
   * @param {number} age
   * @param {boolean} hasty
   * @param {number} patience
   * @returns {"wait" | "ask" | "leave"}
   */
  tick(age, hasty, patience) {
    const slept = Date.now() - this.#tickedAt > 5 * TICK_MS;
    this.#tickedAt = Date.now();
    this.#quiet += 1;
    const [asks, pong, deaf] = hasty ? [3 * patience, 2 * patience, 12 * patience] : [6, 6, 30];
    const owed = Math.min(this.#quiet, age) >= asks;
    if (age >= deaf) return "leave";
    if (this.#left !== null) {
      this.#left -= 1;
      if (owed) this.#left = Math.min(this.#left, pong);
      return this.#left <= 0 ? "leave" : "wait";
    }
    if (slept) return this.doubt() ? "ask" : "wait";
    if (owed) this.#left = pong;
    else if (this.#quiet >= this.heartbeat) this.#left = Math.max(2, this.heartbeat / 2);
    return this.#left === null ? "wait" : "ask";
  }
}

/** So many answers tell the time well. They are asked for a second apart, and again every minute, and when a clock was set. */
const SAMPLES = 4;
const RENEW_TICKS = 60;
/** When the machine's clock and its timer part by more, one of them was set, or stood still while the machine slept. */
const JUMP_MS = 250;

/**
 * The server's time, on this machine's timer, which nobody can set.
 *
 * An answer to `ping` was given between the question and its coming: so it says between which bounds the two clocks are
 * apart. What all answers say together is closer than any of them, and one that is late spoils nothing. An answer that
 * contradicts those before it is newer: a clock was set, or the timer stood still.
 */
class ServerClock {
  #low = -Infinity;
  #high = Infinity;
  #wanted = SAMPLES;
  #ticks = 0;
  #asking = 0;
  #apart = Date.now() - performance.now();

  now() {
    const known = Number.isFinite(this.#low);
    return known ? Math.round(performance.now() + (this.#low + this.#high) / 2) : Date.now();
  }

  /** Called when `ping` is sent; what it returns, with the answer's `at`, or undefined when there is none. */
  ask() {
    this.#asking += 1;
    this.#ticks = 0;
    const asked = performance.now();
    return (/** @type {unknown} */ at) => {
      this.#asking -= 1;
      if (typeof at !== "number") return;
      this.#wanted -= 1;
      const [low, high] = [at - performance.now(), at + 1 - asked];
      if (low > this.#high || high < this.#low) {
        [this.#low, this.#high] = [low, high];
        this.doubt();
      } else {
        [this.#low, this.#high] = [Math.max(low, this.#low), Math.min(high, this.#high)];
      }
    };
  }

  /** More answers are wanted. */
  doubt() {
    this.#wanted = SAMPLES;
  }

  /** Once a second: whether to ask. */
  tick() {
    const apart = Date.now() - performance.now();
    if (Math.abs(apart - this.#apart) > JUMP_MS) this.doubt();
    this.#apart = apart;
    this.#ticks += 1;
    return this.#asking === 0 && (this.#wanted > 0 || this.#ticks >= RENEW_TICKS);
  }
}

const WAKE_TICKS = 5;
const TROUBLE = new Set(["unavailable", "timeout", "overloaded", "internal"]);
const TROUBLE_MS = 1_500;
const RECENT_MS = 10_000;

/** Whether the node of this connection does its work, or only answers that it cannot. */
class Health {
  #goodAt = -Infinity;
  #badSince = Infinity;
  #badAt = -Infinity;

  /**
   * True: try another node.
   * @param {string} op
   * @param {string | null} code
   * @param {number} sentAt
   */
  answered(op, code, sentAt) {
    const now = performance.now();
    if (code === null || !TROUBLE.has(code)) {
      // What only a node can do that reaches the store; a join may be answered from memory.
      const works = KEYED.has(op) && op !== "join" && !BEFORE_THE_KEY.has(code ?? "");
      if (works) [this.#goodAt, this.#badSince] = [now, Infinity];
      return false;
    }
    if (now - this.#badAt > RECENT_MS) this.#badSince = Infinity;
    this.#badAt = now;
    this.#badSince = Math.min(this.#badSince, Math.max(sentAt, this.#goodAt));
    return now - this.#badSince >= TROUBLE_MS;
  }
}

// What is asked

/**
 * @typedef {object} Request
 * @property {number} id
 * @property {string} op
 * @property {string} frame
 * @property {string | null} key
 * @property {string} game
 * @property {boolean} lasting sent again on the next connection if this one ends without an answer
 * @property {boolean} flying on this connection, and not answered yet
 * @property {boolean} doubt an earlier sending of it may have been carried out
 * @property {number} tries
 * @property {number} age in ticks, since it was sent last
 * @property {number} sentAt
 * @property {number} until
 * @property {number} askedAt on performance.now()
 * @property {number} askedOn by the machine's clock: it goes on while the machine sleeps
 * @property {number} unsentMs
 * @property {boolean} voiding what flies is not itself: it only takes the key
 * @property {boolean} happened its key is known: sent again, it gets the first result
 * @property {(ok: any, error: TradeError | null) => void} settle
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {ReturnType<typeof setTimeout> | undefined} retry
 * @property {ReturnType<typeof setTimeout> | undefined} withdrawal
 */

/** What was asked and is not answered yet, across connections, in the order in which it was asked. */
class Requests {
  /** How many commands wait for their answer. */
  commands = 0;
  onchange = () => {};
  /** Whether something is kept because of that. */
  get kept() {
    return this.#held.size > 0 && this.offline();
  }

  /** The machine itself says that it has no network: a socket that takes a frame now sends it who knows when. */
  offline = () => false;
  /** @type {(op: string, code: string | null, sentAt: number) => void} */
  onoutcome = () => {};

  /** @type {Map<number, Request>} */
  #waiting = new Map();
  /** New ones that may not go out yet. @type {Set<Request>} */
  #held = new Set();
  /** By game: the commands that went out, by id and in their order, from the oldest that is not settled. Is it settled?
   * @type {Map<string, Map<number, boolean>>} */
  #places = new Map();
  /** In doubt, and not taken in when they were asked again: nothing new takes the rate away from them. @type {Set<Request>} */
  #refused = new Set();
  #number = 0;
  #asked = 0;
  /** @type {((text: string) => void) | null} */
  #write = null;
  #frameBytes = FRAME_BYTES;
  #over = "";

  /**
   * Until it is answered, on whichever connection. `answered` is called before the next frame is looked at.
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {{deadlineMs: number, unsentMs: number}} most
   * @param {(ok: any) => void} [answered]
   * @returns {Promise<any>}
   */
  ask(op, fields, { deadlineMs, unsentMs }, answered = () => {}) {
    return new Promise((resolve, reject) => {
      if (this.#over) throw new TradeError({ code: "closed", message: this.#over });
      if (this.#asked >= MOST_UNANSWERED) throw new TradeError({ code: "overloaded", message: "too much is unanswered" });
      const key = KEYED.has(op) ? { key: fields.key ?? newKey() } : {};
      const given = Object.entries({ ...fields, ...key }).filter(([, value]) => value !== undefined && value !== null);
      const request = this.#make(op, Object.fromEntries(given), true, (ok, error) => {
        if (error === null) {
          answered(ok);
          resolve(ok);
        } else reject(error);
      });
      if (request.frame.length * 3 > this.#frameBytes && new TextEncoder().encode(request.frame).length > this.#frameBytes) {
        // The server would close the connection on it, each time anew.
        throw new TradeError({ code: "bad_request", message: `a frame has at most ${this.#frameBytes} bytes`, at: "$", key: request.key });
      }
      this.#asked += 1;
      request.until = performance.now() + deadlineMs;
      request.deadline = setTimeout(() => {
        const message = `${op} was not answered in ${deadlineMs / 1000} s`;
        this.#settle(request, null, new TradeError({ code: "timeout", message, definite: !unsure(request), key: request.key }));
      }, deadlineMs);
      if (PROMPT.has(op) && unsentMs < deadlineMs) {
        request.unsentMs = unsentMs;
        request.withdrawal = setTimeout(() => unsure(request) || this.#settle(request, null, withdrawn(request)), unsentMs);
      }
      this.#add(request);
    });
  }

  /**
   * On this connection only; when that ends first, the error is `closed`.
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {(ok: any, error: TradeError | null) => void} answered
   */
  put(op, fields, answered) {
    this.#add(this.#make(op, fields, false, answered));
  }

  /** For how many ticks the oldest is unanswered on this connection. Each call is a tick. */
  age() {
    let oldest = 0;
    for (const request of this.#waiting.values()) {
      if (request.flying && request.op !== "ping") oldest = Math.max(oldest, ++request.age);
    }
    return oldest;
  }

  /** @param {(text: string) => void} write @param {unknown} frameBytes */
  connected(write, frameBytes) {
    this.#write = write;
    if (typeof frameBytes === "number") this.#frameBytes = frameBytes;
  }

  /** Everything that is unanswered, but for what waits to be tried again. What may have happened goes first. */
  resend() {
    const unsent = [...this.#waiting.values()].filter(({ flying, retry }) => !flying && retry === undefined);
    for (const request of unsent.filter(({ doubt }) => doubt)) this.#send(request);
    for (const request of unsent.filter(({ doubt }) => !doubt)) this.#send(request);
  }

  /** The connection has ended: what was on it may have been carried out. */
  disconnected() {
    this.#write = null;
    this.#held.clear();
    for (const request of [...this.#waiting.values()]) {
      request.doubt ||= request.flying;
      request.flying = false;
      if (!request.lasting) this.#settle(request, null, closed("the connection ended", request));
    }
  }

  /** No answer will ever come. @param {string} why */
  stop(why) {
    this.#over = why;
    this.#write = null;
    for (const request of [...this.#waiting.values()]) this.#settle(request, null, closed(why, request));
  }

  /** @param {any} data */
  answer(data) {
    const request = this.#waiting.get(data.id);
    if (request === undefined || !request.flying) return; // given up meanwhile
    const failed = data.error !== undefined;
    if (!failed && (typeof data.ok !== "object" || data.ok === null)) throw new TypeError("an answer of no known form");
    const error = failed ? tradeError(data.error, request.key) : null;
    request.flying = false;
    this.onoutcome(request.op, error?.code ?? null, request.sentAt);
    if (error === null && !request.voiding) return this.#settle(request, data.ok, null);
    if (error !== null && !error.definite) request.doubt = true;
    this.#place(request, error !== null && LATER.has(error.code));
    if (request.voiding && (error === null || (error.definite && !BEFORE_THE_KEY.has(error.code)))) {
      if (error?.code !== "key_reused") return this.#settle(request, null, withdrawn(request));
      request.happened = true; // and asked again it tells what came of it
      return this.#send(request);
    }
    if (error === null) return;
    if (request.lasting && this.#again(request, error)) return;
    // This time it was surely not taken in. The time before, when the answer was lost, it may have been.
    if (request.doubt && BEFORE_THE_KEY.has(error.code)) error.definite = false;
    this.#settle(request, null, error);
  }

  /**
   * Not taken in, or nobody knows: the same again, if there is time.
   * @param {Request} request
   * @param {TradeError} error
   */
  #again(request, error) {
    if (error.definite && !LATER.has(error.code)) return false;
    if (!request.doubt && late(request)) return false;
    request.tries += 1;
    const pause = (error.retryAfterMs ?? 0) + Math.random() * Math.min(2_000, 100 * 2 ** request.tries);
    if (performance.now() + pause >= request.until) return false;
    request.retry = setTimeout(() => {
      request.retry = undefined;
      this.#send(request);
    }, pause);
    return true;
  }

  /**
   * @param {string} op
   * @param {Record<string, any>} fields
   * @param {boolean} lasting
   * @param {(ok: any, error: TradeError | null) => void} settle
   * @returns {Request}
   */
  #make(op, fields, lasting, settle) {
    const id = ++this.#number;
    const { key = null, game = "" } = fields;
    const frame = JSON.stringify({ id, op, ...fields });
    // What has no key and changes something must not be sent twice.
    const again = lasting && (key !== null || READS.has(op));
    const fresh = { flying: false, doubt: false, tries: 0, age: 0, sentAt: 0, until: Infinity, deadline: undefined, retry: undefined };
    const patience = { askedAt: performance.now(), askedOn: Date.now(), unsentMs: Infinity, voiding: false, happened: false, withdrawal: undefined };
    return { id, op, frame, key, game, lasting: again, settle, ...fresh, ...patience };
  }

  /** @param {Request} request */
  #add(request) {
    this.#waiting.set(request.id, request);
    this.commands += Number(request.key !== null);
    this.#send(request);
    if (request.key !== null) this.onchange();
  }

  /**
   * Now, or when its turn comes. What is late does not happen any more: new, it is withdrawn; in doubt, its key is taken by
   * a command that does nothing. Then no copy of it, wherever it is, does anything; or the key is known already, and it had happened.
   * @param {Request} request
   */
  #send(request) {
    if (this.#write === null) return;
    if (late(request) && !request.doubt) return this.#settle(request, null, withdrawn(request));
    if (!this.#free(request)) return void this.#held.add(request);
    if (request.key !== null) this.#sent(request).set(request.id, false);
    request.flying = true;
    request.age = 0;
    request.sentAt = performance.now();
    request.voiding = request.doubt && !request.happened && late(request);
    const { id, game, key } = request;
    this.#write(request.voiding ? JSON.stringify({ id, op: "cancel", game, order: NO_ORDER, key }) : request.frame);
  }

  /** Whether it may go out: what was sent before and may have happened always may. @param {Request} request */
  #free(request) {
    if (request.doubt || !request.lasting) return true;
    if (request.unsentMs !== Infinity && this.offline()) return false;
    return this.#refused.size === 0 && (request.key === null || this.#sent(request).size < WINDOW);
  }

  /** @param {Request} request */
  #sent({ game }) {
    const places = this.#places.get(game) ?? new Map();
    this.#places.set(game, places);
    return places;
  }

  /**
   * It was refused for now: its key, if it was never sent before, is no key that was sent. Or it was taken in.
   * @param {Request} request
   * @param {boolean} refused
   */
  #place(request, refused) {
    if (!refused) this.#refused.delete(request);
    else if (request.doubt && request.key !== null) this.#refused.add(request);
    else this.#sent(request).delete(request.id);
    this.next();
  }

  /** Whose turn has come: who was asked first goes first, also when it was refused meanwhile. */
  next() {
    if (this.#refused.size || !this.#held.size) return;
    for (const request of [...this.#held].sort((one, other) => one.id - other.id)) {
      if (!this.#free(request) || !this.#held.delete(request)) continue;
      this.#send(request);
    }
  }

  /**
   * Once, for each.
   * @param {Request} request
   * @param {any} ok
   * @param {TradeError | null} error
   */
  #settle(request, ok, error) {
    if (!this.#waiting.delete(request.id)) return;
    if (request.deadline !== undefined) this.#asked -= 1;
    clearTimeout(request.deadline);
    clearTimeout(request.retry);
    clearTimeout(request.withdrawal);
    this.commands -= Number(request.key !== null);
    this.#held.delete(request);
    this.#refused.delete(request);
    const places = this.#sent(request);
    if (places.has(request.id)) places.set(request.id, true);
    for (const [id, settled] of places) {
      if (!settled) break;
      places.delete(id); // free once all older ones are
    }
    request.settle(ok, error);
    if (request.key !== null) this.onchange();
    this.next();
  }
}

/** @param {Request} request */
function unsure({ flying, doubt }) {
  return flying || doubt;
}

/** Too long ago to happen now. @param {Request} request */
function late({ askedAt, askedOn, unsentMs }) {
  return Math.max(performance.now() - askedAt, Date.now() - askedOn) >= unsentMs;
}

/** @param {Request} request */
function withdrawn({ op, unsentMs, key }) {
  return new TradeError({ code: "unsent", message: `the ${op} could not be sent within ${unsentMs / 1000} s: it was withdrawn, and nothing happened`, key });
}

/** @param {string} message @param {Request} request */
function closed(message, request) {
  return new TradeError({ code: "closed", message, definite: !unsure(request), key: request.key });
}

// Where to go next, and when

const MOST_NODES = 64;
const URL_LENGTH = 256;
/** So long a node that failed is passed over while there are others; twice as long each time that it fails again. */
const COOL_MS = 5_000;
const COOL_MOST_MS = 60_000;
/** When so many others have failed in a row, it is rather where we have been before than where we were sent. */
const LOYALTY = 2;

/**
 * The address, with `/ws` for a path where it has none. Throws a TypeError.
 * @param {string | URL} address
 */
function checkUrl(address) {
  const url = new URL(address);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new TypeError(`${address} is no ws:// or wss:// address`);
  if (url.pathname === "/") url.pathname = "/ws";
  url.hash = "";
  return url.href;
}

/** @param {string} address */
function isLocal(address) {
  const host = new URL(address).hostname.replace(/\.$/, "");
  return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/.test(host);
}

/**
 * The addresses that were given, always, and those that the last `hello` told.
 *
 * They are tried in rounds: each once, then `more` is false until the next round. Before any node was ever met, in the
 * order in which they were given; after that at random, so that the clients of a node that died spread over all the
 * others; those that failed lately and the one just lost come last.
 */
class Nodes {
  /** @type {Map<string, {node: string, proven: boolean, failures: number, coolUntil: number}>} */
  #records = new Map();
  #met = false;
  /** @type {Set<string>} */
  #tried = new Set();
  #lost = "";

  /** @param {string[]} given */
  constructor(given) {
    this.given = [...new Set(given)];
    this.urls = this.given;
    this.#know(this.given);
  }

  /** The address to try now. It counts as tried in this round. */
  next() {
    const fresh = this.urls.filter((url) => !this.#tried.has(url));
    const [[url]] = (fresh.length ? fresh : this.urls).map((each) => /** @type {const} */ ([each, this.#rank(each)])).sort(([, one], [, other]) => one - other);
    this.#tried.add(url);
    return url;
  }

  /** Whether some were not tried in this round yet. */
  get more() {
    return this.urls.some((url) => !this.#tried.has(url));
  }

  /** All may be tried again; the node at `lost` after the others. */
  beginRound(lost = "") {
    this.#tried.clear();
    this.#lost = lost;
  }

  /** The addresses that lead to other nodes than this one does, as far as is known. @param {string} url */
  others(url) {
    return this.urls.filter((other) => !this.#same(other, url));
  }

  /** Whether there is another node that has not failed lately. @param {string} url */
  elsewhere(url) {
    return this.others(url).some((other) => this.#record(other).coolUntil <= performance.now());
  }

  /**
   * `hello` was answered at `url` by `node`, and these are the addresses it told: its own first.
   * @param {string} url
   * @param {unknown} node
   * @param {unknown[]} told
   */
  met(url, node, told) {
    this.#met = true;
    Object.assign(this.#record(url), { proven: true, node: String(node ?? "") });
    const [own, ...rest] = told.map((address) => this.#checked(address));
    // Its own name for where we are: by another one than ours it may not be reached from here.
    const learned = [url, ...(own === url ? [own] : []), ...rest.filter((address) => address !== own)];
    const urls = learned.filter((address) => address !== null);
    this.urls = [...new Set([...this.given, ...urls])].slice(0, this.given.length + MOST_NODES);
    this.#know(this.urls);
  }

  /** It could not be reached, was silent, or did not do what it was asked. @param {string} url */
  failed(url) {
    const record = this.#record(url);
    const cool = Math.min(COOL_MOST_MS, COOL_MS * 2 ** record.failures);
    record.failures += 1;
    record.coolUntil = performance.now() + (cool * (1 + Math.random())) / 2;
  }

  /** It served us well for a while: what was before is forgiven. @param {string} url */
  steady(url) {
    Object.assign(this.#record(url), { failures: 0, coolUntil: -Infinity });
  }

  /** @param {string} url */
  #record(url) {
    return this.#records.get(url) ?? { node: "", proven: false, failures: 0, coolUntil: -Infinity };
  }

  /** @param {string[]} urls */
  #know(urls) {
    this.#records = new Map(urls.map((url) => [url, this.#record(url)]));
  }

  /** The lowest goes first. @param {string} url */
  #rank(url) {
    const { coolUntil, proven } = this.#record(url);
    const tried = this.#tried.size;
    const cooling = coolUntil > performance.now();
    const lost = tried < LOYALTY && this.#same(url, this.#lost);
    const strange = tried >= LOYALTY && !proven && !this.given.includes(url);
    return 8 * Number(cooling) + 4 * Number(lost) + 2 * Number(strange) + (this.#met ? Math.random() : this.urls.indexOf(url) / this.urls.length);
  }

  /** @param {string} one @param {string} other */
  #same(one, other) {
    const { node } = this.#record(one);
    return one === other || (node !== "" && node === this.#record(other).node);
  }

  /**
   * An address that we may go to; null when it is none.
   * @param {unknown} address
   * @returns {string | null}
   */
  #checked(address) {
    if (typeof address !== "string" || address.length > URL_LENGTH || !/^wss?:\/\/[!-?A-~]+$/.test(address)) return null;
    let url;
    try {
      url = checkUrl(address);
    } catch {
      return null;
    }
    // Who came over TLS does not say its token in the clear.
    if (this.given.some((each) => each.startsWith("wss:")) && !url.startsWith("wss:")) return null;
    // A node behind a proxy means its own machine, not ours.
    return isLocal(url) && !this.given.some(isLocal) ? null : url;
  }
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
const HELLO_MS = 10_000;
const HASTY_HELLO_MS = 4_000;
const MOST_PATIENCE = 4;
/** When a node dies, its clients come to the others spread over so long. */
const JITTER_MS = 250;
/** A connection that lasted so long ends the back-off: what comes next is a new trouble. */
const STEADY_MS = 10_000;

/** Hurry while there are other nodes to go to; back-off, and ever more patience, when none of them is any better. */
class Pace {
  /** A factor for all that is waited in a hurry. */
  patience = 1;
  #nodes;
  #tries = 0;
  #hurried = 0;

  /** @param {Nodes} nodes */
  constructor(nodes) {
    this.#nodes = nodes;
  }

  /** Whether there is anywhere else to go. */
  get hasty() {
    return this.#nodes.urls.length > 1;
  }

  /** How long it may take until `hello` is answered. */
  get helloMs() {
    return this.hasty ? Math.min(HELLO_MS, HASTY_HELLO_MS * this.patience) : HELLO_MS;
  }

  /**
   * How long to wait, in ms, after what happened at `url`. `lasted`: ms since `hello`; null: it was not answered.
   * @param {string} url
   * @param {number} code
   * @param {number | null} lasted
   * @param {boolean} failing
   * @param {number} waitMs
   */
  pause(url, code, lasted, failing, waitMs) {
    const nodes = this.#nodes;
    if (lasted === null) {
      nodes.failed(url);
      if (nodes.more) return 0; // there are others that were not asked yet
      nodes.beginRound();
      this.#bePatient();
      return this.#backOff() + waitMs;
    }
    if (lasted >= STEADY_MS) this.#tries = this.#hurried = 0;
    if (failing) {
      nodes.failed(url);
      this.#bePatient();
    } else if (lasted >= STEADY_MS) {
      nodes.steady(url);
      this.patience = 1;
    }
    nodes.beginRound(url);
    const others = nodes.others(url).length > 0;
    if ((code === GOING_AWAY || (others && code === ABNORMAL)) && this.#hurried < nodes.urls.length) {
      this.#hurried += 1; // another node takes us in; not for ever, should they all be going
      return Math.random() * JITTER_MS;
    }
    return this.#backOff() + waitMs;
  }

  /** If all are slow, to hurry from one to the next only makes them slower. */
  #bePatient() {
    this.patience = Math.min(MOST_PATIENCE, 2 * this.patience);
  }

  /** Exponential, with full jitter: of the ways to spread a crowd that was thrown out at once, it makes the fewest calls. */
  #backOff() {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries);
    this.#tries += 1;
    return Math.random() * most;
  }
}

// A game

/** Gaps in a row, with no good frame between them, after which a connection is given up. */
const GAPS = 5;
/** The time of a game that is ahead of its node's goes so much slower, until they are together. */
const SLEW = 0.05;

/** One game that is followed: its public state and this player's account, kept up to date. */
export class Game extends Emitter {
  /** @type {T.State} */
  state = /** @type {any} */ (null); // before it is joined, nobody has it
  /** The player's account; null for who only looks on.
   * @type {T.Account | null} */
  me = null;
  /** @type {Set<string>} */
  online = new Set();
  epoch = "";
  seq = 0;
  /** It was left, is gone, or the client has stopped: nothing more comes. */
  ended = false;
  _gaps = 0;

  #client;
  /** @type {Set<EventStream>} */
  #streams = new Set();
  #syncing = false;
  #aheadMs = 0;
  #aheadSince = 0;
  /** Whether `state` is a place to resume from. */
  #resumable = false;

  /** @param {Client} client @param {string} id @param {boolean} spectate */
  constructor(client, id, spectate) {
    super();
    this.#client = client;
    this.id = id;
    this.spectate = spectate;
  }

  /** @param {string} good @param {number} qty @param {{limit?: number | null, key?: string}} [options] @returns {Promise<T.Bought>} */
  buy(good, qty, { limit, key } = {}) {
    return this.#request("buy", { good, qty, limit, key });
  }

  /** @param {string} good @param {number} qty @param {{limit?: number | null, key?: string}} [options] @returns {Promise<T.Sold>} */
  sell(good, qty, { limit, key } = {}) {
    return this.#request("sell", { good, qty, limit, key });
  }

  /** @param {string} good @param {"bid" | "ask"} side @param {number} qty @param {number} price @param {{key?: string}} [options] @returns {Promise<T.Ordered>} */
  order(good, side, qty, price, { key } = {}) {
    return this.#request("order", { good, side, qty, price, key });
  }

  /** @param {string} order @param {{key?: string}} [options] @returns {Promise<T.Cancelled>} */
  cancel(order, { key } = {}) {
    return this.#request("cancel", { order, key });
  }

  /** @param {string} text @param {{to?: string | null, key?: string}} [options] @returns {Promise<T.Sent>} */
  say(text, { to, key } = {}) {
    return this.#request("say", { text, to, key });
  }

  /** @param {string} good @returns {Promise<T.Book>} */
  book(good, depth = 10) {
    return this.#request("book", { good, depth });
  }

  /** @returns {Promise<T.Standing[]>} */
  async standings(limit = 10) {
    return (await this.#request("standings", { limit })).standings;
  }

  /** The game's clock, in ms since the Unix epoch: the server's, unless frames say that it is later in the game. */
  now() {
    return Math.round(this.#client.now() + this.#ahead());
  }

  #ahead() {
    return Math.max(0, this.#aheadMs - (performance.now() - this.#aheadSince) * SLEW);
  }

  /** No more news of it: `events()` ends. The account stays. Leaving again does nothing. */
  leave() {
    return this.#client._leave(this);
  }

  /**
   * Every frame from this call on: `for await (const frame of game.events())`. Ends when the game is left or gone, or the
   * client stops. Who reads more than 1 000 frames late, or was away for longer than the server remembers, gets a frame
   * `{push: "reset", seq, events: []}` in place of what is missing: `game.state` has missed nothing.
   * @returns {EventStream}
   */
  events() {
    const stream = new EventStream(() => this.#streams.delete(stream));
    if (this.ended) stream._end();
    else this.#streams.add(stream);
    return stream;
  }

  /** @param {string} op @param {Record<string, unknown>} fields */
  #request(op, fields) {
    return this.#client.request(op, { game: this.id, ...fields });
  }

  /** A `join` from where it stands. Until it is answered, what comes is of an earlier one, and comes again. */
  _resuming() {
    this.#syncing = true;
    const after = this.#resumable ? { after: { epoch: this.epoch, seq: this.seq } } : {};
    return { game: this.id, ...(this.spectate ? { spectate: true } : {}), ...after };
  }

  /** A `join` was answered. When it is `recovered`, the missed frames follow. @param {any} ok */
  _joined(ok) {
    const whole = ok.recovered !== true;
    if (whole && (typeof ok.state?.goods !== "object" || typeof ok.epoch !== "string" || !Number.isInteger(ok.seq))) throw new TypeError("a state of no known form");
    if (!whole && !this.#resumable) throw new TypeError("no state for a game that was not followed");
    this.#syncing = false;
    this.online = new Set(); // the list of who is here follows
    if (whole) {
      [this.state, this.epoch, this.seq] = [ok.state, ok.epoch, ok.seq];
      this.#resumable = true;
      for (const stream of this.#streams) stream._reset(this.#reset());
    }
    if (ok.me !== undefined) this.me = ok.me;
    this._emit(whole ? "reset" : "resumed");
    if (this.me) this._emit("account", this.me);
  }

  _end() {
    this.ended = true;
    for (const stream of [...this.#streams]) stream._end();
  }

  /** False: frames are missing before it. @param {any} data */
  _push(data) {
    switch (data.push) {
      case "events":
        return this.#syncing || this.#frame(data);
      case "account":
        if (typeof data.account?.cash !== "number") throw new TypeError("an account of no known form");
        this.me = data.account;
        this._emit("account", this.me);
        break;
      case "whisper":
        this._emit("whisper", data);
        break;
      case "presence":
        for (const player of data.online) this.online.add(player);
        for (const player of data.offline) this.online.delete(player);
        this._emit("presence", this.online);
        break;
    }
    return true;
  }

  #reset() {
    return { push: /** @type {const} */ ("reset"), game: this.id, epoch: this.epoch, seq: this.seq, events: /** @type {[]} */ ([]) };
  }

  /** @param {T.Frame} frame */
  #frame(frame) {
    if (frame.epoch !== this.epoch || frame.seq > this.seq + 1) {
      this._gaps += 1;
      return false;
    }
    if (frame.seq <= this.seq) return true; // from before: a resume brings it again
    try {
      if (frame.seq !== this.seq + 1) throw new TypeError("a frame without a seq");
      for (const event of frame.events) fold(this.state, event, frame.at);
    } catch (error) {
      this.#resumable = false; // half of it is in the state, and resuming would bring it again
      throw error;
    }
    this.seq = frame.seq;
    const ahead = frame.at - this.#client.now();
    if (ahead > this.#ahead()) [this.#aheadMs, this.#aheadSince] = [ahead, performance.now()];
    this._gaps = 0;
    for (const stream of this.#streams) stream._put(frame, () => this.#reset());
    for (const event of frame.events) this._emit(event.type, event, frame);
    this._emit("events", frame);
    return true;
  }
}

/**
 * A reader's own frames, at most 1 000 of them.
 * @implements {AsyncIterableIterator<T.Frame | T.ResetFrame>}
 */
class EventStream {
  /** @type {(T.Frame | T.ResetFrame)[]} */
  #frames = [];
  /** @type {((result: IteratorResult<T.Frame | T.ResetFrame, undefined>) => void)[]} */
  #readers = [];
  #over = false;
  #forget;

  /** @param {() => void} forget */
  constructor(forget) {
    this.#forget = forget;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<T.Frame | T.ResetFrame, undefined>>} */
  next() {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve({ value: frame, done: false });
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** @returns {Promise<IteratorResult<T.Frame | T.ResetFrame, undefined>>} */
  return() {
    this.#frames = [];
    this._end();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** @param {T.Frame} frame @param {() => T.ResetFrame} reset */
  _put(frame, reset) {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: frame, done: false });
    else if (this.#frames.length < STREAM_FRAMES) this.#frames.push(frame);
    else this.#frames = [reset()];
  }

  /** What came before leads to nothing that comes after. @param {T.ResetFrame} reset */
  _reset(reset) {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: reset, done: false });
    else this.#frames = [reset];
  }

  _end() {
    this.#over = true;
    this.#forget();
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }
}

/**
 * What an event makes of a state: exactly what the server has.
 * @param {T.State} state
 * @param {T.Event} event
 * @param {number} at
 */
function fold(state, event, at) {
  switch (event.type) {
    case "trade": {
      const good = state.goods[event.good];
      good.last = event.price;
      good.volume += event.qty;
      keep(good.recent, [at, event.price, event.qty], KEPT.recent);
      break;
    }
    case "book":
      Object.assign(state.goods[event.good], { bids: event.bids, asks: event.asks });
      break;
    case "joined":
      state.players[event.player] = { name: event.name };
      break;
    case "said":
      keep(state.messages, { player: event.player, text: event.text, at }, KEPT.messages);
      break;
    case "round":
      // The tape goes on: prices, volume and recent trades are the game's, not the round's.
      Object.assign(state, { phase: event.phase, round: event.round, ends_at: event.ends_at });
      if (event.opened_at !== undefined) state.opened_at = event.opened_at;
      state.settled = event.settled ?? {};
      break;
    case "news":
      state.news ??= [];
      keep(state.news, { text: event.text, good: event.good ?? null, at }, KEPT.news);
      break;
  }
}

/**
 * @template Item
 * @param {Item[]} list
 * @param {Item} item
 * @param {number} most
 */
function keep(list, item, most) {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}
