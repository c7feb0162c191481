// A player's connection to the server; it outlives its sockets.

/** @import * as T from "../../tradegame.d.ts" */
/** @import { Ended } from "./link.js" */
/** @import { Game } from "./game.js" */

import { checkUrl, isLocal, NETWORK, ownAddress } from "./addresses.js";
import { Emitter } from "./emitter.js";
import { TradeError, tradeError } from "./errors.js";
import { Following } from "./following.js";
import { Link } from "./link.js";
import { Liveness } from "./liveness.js";
import { NodeErrors } from "./node_errors.js";
import { Nodes } from "./nodes.js";
import { Pace } from "./pace.js";
import { REASONS } from "./reasons.js";
import { Requests } from "./requests.js";
import { ServerClock } from "./server_clock.js";
import { COMMAND_DEADLINE_MS, CONNECT_DEADLINE_MS, REACHED_MS, UNSENT_MS } from "./timeouts.js";
import { CLOSE, isFinal, NOT_TAKEN_IN } from "./vocabulary.js";
import { isLink, tokenOf, who } from "./who.js";

/** A player's connection to the server. It reconnects by itself. */
export class Client extends Emitter {
  /** The followed games, by id.
   * @type {Map<string, Game>} */
  games = new Map();
  /** @type {T.PlayerInfo | null} */
  player = null;
  /** Lets the same player come back. A secret.
   * @type {string | null} */
  token = null;
  /** @type {T.ServerInfo | null} */
  server = null;
  /** The state; why; when the next attempt is; how many commands are unanswered; whether the last socket opened.
   * @type {T.Connection} */
  connection = { state: "connecting", reason: "", retryAt: null, unanswered: 0, opened: false };
  /** How often it moved to another address. */
  failovers = 0;
  /** Resolves with the client at the first `hello`.
   * @type {Promise<Client>} */
  ready;

  #options;
  #WebSocket;
  #requests = new Requests();
  #following = new Following(this, this.games, this.#requests, {
    link: () => (this.#greetedAt === null ? null : this.#link),
    caughtUp: () => this.#live(),
    delayed: ({ code, message }) => this.#changed({ code, reason: message }),
  });
  #nodes;
  #pace;
  /** @type {Link | null} */
  #link = null;
  /** When `hello` was answered on this socket, by performance.now(); null before that.
   * @type {number | null} */
  #greetedAt = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadline;
  #liveness = new Liveness();
  #nodeErrors = new NodeErrors();
  #clock = new ServerClock();
  #last = "";
  #rejections = 0;
  /** When the server last answered `ping` or `hello`, by performance.now(). */
  #reachedAt = -Infinity;
  /** @type {{resolve: (client: Client) => void, reject: (error: TradeError) => void}} */
  #settle;
  #wake = () => this.#hurry();

  /** @param {string | URL | (string | URL)[]} [url] @param {T.Options} [options] */
  constructor(url, options = {}) {
    super();
    const inBrowser = typeof document !== "undefined";
    const urls = (Array.isArray(url) ? url : [url ?? ownAddress()]).map(checkUrl);
    this.#options = {
      follow: !inBrowser,
      client: "tradegame.js",
      deadlineMs: COMMAND_DEADLINE_MS,
      unsentMs: inBrowser ? UNSENT_MS : Infinity,
      ...options,
    };
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) throw new TypeError("no WebSocket here: pass one as options.WebSocket");
    this.token = tokenOf(options.token);
    this.#nodes = new Nodes(urls);
    this.#pace = new Pace(this.#nodes);
    this.#requests.onchange = () => this.#changed({});
    this.#requests.offline = () =>
      globalThis.navigator?.onLine === false &&
      this.#link !== null &&
      !isLocal(this.#link.url) &&
      performance.now() - this.#reachedAt > REACHED_MS;
    this.#requests.onoutcome = (op, code, sentAt) => this.#judge(op, code, sentAt);
    this.#settle = { resolve: () => {}, reject: () => {} };
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ready.catch(() => {});
    const most = options.connectDeadlineMs ?? (inBrowser ? Infinity : CONNECT_DEADLINE_MS);
    if (most !== Infinity) this.#deadline = setTimeout(() => this.#tooLate(most), most);
    if (inBrowser) {
      for (const type of NETWORK) globalThis.addEventListener(type, this.#wake);
      document.addEventListener("visibilitychange", this.#wake);
    }
    this.#dial();
  }

  /** The server's clock as far as known, in ms since the Unix epoch. Setting this machine's clock does not move it. */
  now() {
    return this.#clock.now();
  }

  /** How many commands await an answer. */
  get unanswered() {
    return this.#requests.commands;
  }

  /** The addresses to connect to: those given, then those the server listed last. */
  get urls() {
    return [...this.#nodes.urls];
  }

  /**
   * Follows a game, as a player or as a spectator. Joining again returns the same Game.
   * @param {string} id
   * @param {{spectate?: boolean, cancelOnDisconnect?: boolean, key?: string}} [options]
   */
  join(id, { spectate = false, cancelOnDisconnect, key } = {}) {
    return this.#following.join(id, { spectate, cancelOnDisconnect, key }, this.#options);
  }

  /** @returns {Promise<T.GameSummary[]>} */
  async list() {
    return (await this.request("games")).games;
  }

  /**
   * Sends any request, by its `op`; a command without a `key` gets one. Resolves with `ok`, rejects with a TradeError.
   * @param {string} op
   * @param {Record<string, unknown>} [fields]
   * @param {{deadlineMs?: number, unsentMs?: number}} [options]
   * @returns {Promise<any>}
   */
  request(op, fields = {}, { deadlineMs = this.#options.deadlineMs, unsentMs = this.#options.unsentMs } = {}) {
    return this.#requests.ask(op, fields, { deadlineMs, unsentMs });
  }

  /** Closes the connection for good. Unanswered calls are rejected. */
  close() {
    this.#stop("closed", "");
  }

  /** @param {Game} game @returns {Promise<void>} */
  _leave(game) {
    return this.#following.leave(game);
  }

  /** Live: `hello` is answered and every game is resumed. Commands need not wait for that. */
  #live() {
    if (this.#greetedAt === null || this.#following.behind || this.connection.state === "live") return;
    this.#changed({ state: "live", reason: "", retryAt: null });
  }

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
      if (this.#greetedAt === null) link.end(CLOSE.LOST, `no answer in ${deadline / 1000} s`, { silent: true });
    });
  }

  /** Says hello. @param {Link} link */
  #greet(link) {
    link.send(JSON.stringify({ id: 0, op: "hello", ...who(this.token, this.#options) }));
  }

  /** @param {Link} link @param {any} ok */
  #welcomed(link, ok) {
    if (typeof ok?.token !== "string" || typeof ok.player?.id !== "string" || typeof ok.server !== "object")
      throw new TypeError("an invalid answer to hello");
    this.player = ok.player;
    this.token = ok.token;
    this.server = ok.server;
    this.failovers += Number(this.#last !== "" && this.#last !== link.url);
    this.#last = link.url;
    this.#nodes.met(link.url, ok.server.node, this.#options.follow ? (ok.server.nodes ?? []) : []);
    this.#greetedAt = this.#reachedAt = performance.now();
    this.#rejections = 0;
    this.#liveness = new Liveness(ok.server.heartbeat_s);
    this.#nodeErrors = new NodeErrors();
    this.#clock.doubt();
    clearTimeout(this.#deadline);
    this.#requests.connected((text) => link.send(text), ok.server.frame_bytes);
    this.#probe();
    this.#following.resume();
    this.#requests.resend();
    this.#settle.resolve(this);
    this.#live();
  }

  /** @param {Link} link @param {TradeError} error */
  #refused(link, error) {
    if (
      error.code === "unauthorized" &&
      this.player === null &&
      this.token !== null &&
      !isLink(this.token) &&
      this.#options.name !== undefined
    ) {
      this.token = null; // the session is over: become a new player of that name
      return this.#greet(link);
    }
    this.#rejections += 1;
    // An address that the server listed may belong to something else by now: ignore its first rejection.
    const believed = this.#nodes.given.includes(link.url) || this.#rejections > 1;
    if (error.definite && !NOT_TAKEN_IN.has(error.code) && believed) this.#stop(error.code, error.message, error);
    else link.end(CLOSE.LOST, error.message, { waitMs: error.retryAfterMs ?? 0 });
  }

  /**
   * Anything invalid ends the connection, so that what it contained is not lost unnoticed.
   * @param {Link} link
   * @param {unknown} text
   */
  #take(link, text) {
    if (this.#link !== link) return;
    this.#liveness.heard();
    try {
      const data = typeof text === "string" ? JSON.parse(text) : null;
      if (typeof data !== "object" || data === null || Array.isArray(data))
        throw new TypeError("a frame that is not a JSON object");
      if (data.push !== undefined) this.#following.push(link, data);
      else if (this.#greetedAt !== null) this.#requests.answer(data);
      else if (data.id === 0 && data.error !== undefined) this.#refused(link, tradeError(data.error));
      else if (data.id === 0) this.#welcomed(link, data.ok);
    } catch (error) {
      console.warn("tradegame:", error);
      link.end(CLOSE.LOST, `the server sent ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {Link} link @param {Ended} how */
  #lost(link, { code, reason, failing, waitMs }) {
    if (this.#link !== link) return;
    this.#link = null;
    const lasted = this.#greetedAt === null ? null : performance.now() - this.#greetedAt;
    this.#greetedAt = null;
    this.#requests.disconnected();
    if (isFinal(code)) {
      return this.#stop(String(code), reason || REASONS[code] || "refused");
    }
    const pause = this.#pace.pause(link.url, code, lasted, failing, waitMs);
    this.#retry = setTimeout(() => this.#dial(), pause);
    this.#changed({
      state: this.player === null ? "connecting" : "reconnecting",
      code: String(code),
      reason: reason || REASONS[code] || "no connection",
      retryAt: Date.now() + pause,
      opened: link.opened,
    });
  }

  /** Once a second. @param {Link} link */
  #watch(link) {
    if (this.#link !== link || this.#greetedAt === null) return; // hello has its own deadline
    this.#requests.next();
    if (this.#clock.tick() || this.#requests.kept) this.#probe();
    const todo = this.#liveness.tick(this.#requests.age(), this.#pace.hasty, this.#pace.patience);
    if (todo === "ask") this.#probe();
    else if (todo === "leave") link.end(CLOSE.LOST, "the server does not answer", { failing: true, silent: true });
  }

  /** Asks whether the server is there, and what time it has. */
  #probe() {
    const answered = this.#clock.ask();
    this.#requests.put("ping", {}, (ok, error) => {
      answered(ok?.at);
      if (error !== null) return;
      this.#reachedAt = performance.now(); // there is a network, even if the machine reports none
      this.#requests.next();
    });
  }

  /**
   * Called at each answer: leaves a node that answers nothing but errors.
   * @param {string} op
   * @param {string | null} code
   * @param {number} sentAt
   */
  #judge(op, code, sentAt) {
    const useless = this.#nodeErrors.answered(op, code, sentAt);
    if (useless && this.#link && this.#nodes.elsewhere(this.#link.url))
      this.#link.end(CLOSE.LOST, `nothing but ${code}`, { failing: true });
  }

  /** The network is back, or the page became visible: do not wait any longer. */
  #hurry() {
    if (typeof document !== "undefined" && document.visibilityState === "hidden") return;
    if (this.#retry !== undefined) {
      clearTimeout(this.#retry);
      this.#dial();
    } else if (this.#greetedAt !== null) {
      if (this.#liveness.doubt()) this.#probe();
      this.#requests.next();
    }
  }

  /** @param {number} most */
  #tooLate(most) {
    const [where, why] = [this.#nodes.given.join(", "), this.connection.reason || "no answer"];
    const message = `no connection to ${where} in ${most / 1000} s: ${why}`;
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
    link?.end(CLOSE.NORMAL, "");
    if (typeof document !== "undefined") {
      for (const type of NETWORK) globalThis.removeEventListener(type, this.#wake);
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
