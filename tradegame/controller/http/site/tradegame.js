/**
 * The client of tradegame: one ES module without dependencies, for browsers and Node. Types are in tradegame.d.ts.
 *
 *     import { connect } from "/tradegame.js";
 *     const client = await connect({ name: "ann" });
 *     const game = await client.join("bazaar");
 *     game.on("trade", (trade) => console.log(trade.good, trade.price));
 *     await game.buy("grain", 3, { limit: 24 });
 *
 * Whatever happens to the connection, it comes back by itself: the client takes up its session, resumes each game after
 * the last frame it saw, and sends again what was not answered, with the same keys, so that it happens once.
 */

const PROTOCOL = "tradegame.v1";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const HELLO_DEADLINE_MS = 10_000;
const COMMAND_DEADLINE_MS = 30_000;
const MOST_UNANSWERED = 1_000;
const KEPT = { recent: 200, messages: 50, news: 20, frames: 10_000 };

/** What the server, or this client, says no with. `definite: false`: nobody knows whether it happened. */
export class TradeError extends Error {
  constructor({ code, message, definite = true, at = null, retry_after_ms = null, replayed = false }) {
    super(message);
    this.name = "TradeError";
    this.code = code;
    this.definite = definite;
    this.at = at;
    this.retryAfterMs = retry_after_ms;
    this.replayed = replayed;
  }
}

class Emitter {
  #listeners = new Map();

  /** Calls `listener` at each event of that type; returns what takes it off again. */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  /** A listener that throws stops neither the others nor the connection. */
  emit(type, ...details) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(...details);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** Connects and says hello. Rejects with a TradeError when the server will not have us. */
export async function connect(url, options) {
  if (typeof url === "object" && url !== null && !(url instanceof URL)) [url, options] = [undefined, url];
  const client = new Client(url === undefined ? ownAddress() : String(url), options ?? {});
  await client.ready;
  return client;
}

function ownAddress() {
  if (typeof location === "undefined") throw new TypeError("outside a browser connect needs the server's address");
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}

export class Client extends Emitter {
  /** @type {Map<string, Game>} */
  games = new Map();
  player = null;
  token = null;
  server = null;
  /** connecting, live, reconnecting, stopped; and why, when it is tried again, how much is unanswered. */
  connection = { state: "connecting", reason: "", retryAt: null, unanswered: 0 };
  failovers = 0;

  #options;
  #urls;
  #at = 0;
  #socket = null;
  #open = false;
  #next = 1;
  #pending = new Map();
  #attempt = 0;
  #timers = new Set();
  #retry = null;
  #offset = null;
  #heardAt = 0;
  #settle;
  #wake = () => this.#hurry();

  constructor(url, options) {
    super();
    const inBrowser = typeof document !== "undefined";
    this.#options = { follow: !inBrowser, client: "tradegame.js", ...options };
    this.#options.WebSocket ??= globalThis.WebSocket;
    if (!this.#options.WebSocket) throw new TypeError("no WebSocket here: pass one, as options.WebSocket");
    this.#urls = [url];
    this.token = this.#options.token ?? null;
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ready.catch(() => {});
    if (inBrowser) {
      globalThis.addEventListener("online", this.#wake);
      document.addEventListener("visibilitychange", this.#wake);
    }
    this.#dial();
  }

  /** The server's clock, in ms since the Unix epoch, as well as it is known. */
  now() {
    return Date.now() + (this.#offset ?? 0);
  }

  get unanswered() {
    let count = 0;
    for (const request of this.#pending.values()) if (request.key !== undefined) count += 1;
    return count;
  }

  /** Follows a game: as a player, or looking on with `{spectate: true}`. */
  async join(id, { spectate = false } = {}) {
    const known = this.games.get(id);
    if (known) return known;
    const game = new Game(this, id, spectate);
    await game._join(false);
    this.games.set(id, game);
    return game;
  }

  async list() {
    return (await this.request("games")).games;
  }

  /** Any op, by its name; `fields.key` makes it exactly once. Resolves with `ok`, rejects with a TradeError. */
  request(op, fields = {}, { deadlineMs = this.#options.deadlineMs ?? COMMAND_DEADLINE_MS, now = false } = {}) {
    return new Promise((resolve, reject) => {
      if (this.connection.state === "stopped") {
        reject(new TradeError({ code: "closed", message: `the connection is over: ${this.connection.reason}` }));
        return;
      }
      if (this.#pending.size >= MOST_UNANSWERED) {
        reject(new TradeError({ code: "overloaded", message: "too much is unanswered" }));
        return;
      }
      const id = this.#next++;
      const request = { id, op, fields, key: fields.key, resolve, reject, sent: false, urgent: now, timer: null };
      request.timer = this.#later(deadlineMs, () => {
        this.#pending.delete(id);
        const message = `${op} was not answered in ${deadlineMs / 1000} s`;
        reject(new TradeError({ code: "timeout", message, definite: !request.sent }));
        this.#changed({});
      });
      this.#pending.set(id, request);
      if (this.#open || (now && this.#socket)) this.#send(request);
      if (request.key !== undefined) this.#changed({});
    });
  }

  /** Leaves for good. What is unanswered is rejected. */
  close() {
    this.#stop("closed", "");
  }

  // The connection

  #dial() {
    this.#retry = null;
    const socket = new this.#options.WebSocket(this.#urls[this.#at], [PROTOCOL]);
    this.#socket = socket;
    this.#open = false;
    let over = false;
    const end = (code, reason) => {
      if (over || this.#socket !== socket) return;
      over = true;
      clearTimeout(hello);
      this.#lost(code, reason);
    };
    this.#give_up = () => {
      end(4002, "nothing was heard");
      socket.close();
    };
    const hello = setTimeout(() => this.#give_up(), HELLO_DEADLINE_MS);
    socket.onopen = () => this.#hello().then(() => clearTimeout(hello), () => socket.close());
    socket.onmessage = (message) => {
      if (this.#socket === socket && !over) this.#take(message.data);
    };
    socket.onerror = () => {};
    socket.onclose = (event) => end(event.code, event.reason);
  }

  #give_up = () => {};

  async #hello() {
    const { name, client } = this.#options;
    const who = this.token ? { token: this.token } : name === undefined ? {} : { name };
    const asked = Date.now();
    let ok;
    try {
      ok = await this.request("hello", { ...who, client }, { now: true, deadlineMs: HELLO_DEADLINE_MS });
    } catch (error) {
      if (error.code === "unauthorized" && this.player === null && name !== undefined) {
        this.token = null;
        return this.#hello();
      }
      if (error.definite && (error.code === "unauthorized" || error.code === "bad_request")) this.#stop(error.code, error.message, error);
      throw error;
    }
    this.player = ok.player;
    this.token = ok.token;
    this.server = ok.server;
    if (this.#options.follow) this.#learn(ok.server.nodes ?? []);
    void this.#measure(asked);
    await Promise.all([...this.games.values()].map((game) => game._join()));
    this.#attempt = 0;
    this.#open = true;
    this.#heardAt = Date.now();
    for (const request of [...this.#pending.values()]) if (!request.urgent) this.#send(request);
    this.#changed({ state: "live", reason: "", retryAt: null });
    this.#watch(this.#socket);
    this.#settle.resolve(this);
  }

  /** The nodes that live, this one first. */
  #learn(nodes) {
    const here = this.#urls[this.#at];
    this.#urls = [here, ...nodes.filter((url) => url !== here)].slice(0, 32);
    this.#at = 0;
  }

  async #measure() {
    const asked = Date.now();
    try {
      const { at } = await this.request("ping", {}, { now: true, deadlineMs: HELLO_DEADLINE_MS });
      this.#offset = Math.round(at - (asked + Date.now()) / 2);
    } catch {
      // the connection ended: the next one asks again
    }
  }

  /** A browser does not tell of pings: when nothing comes, ask; when nothing comes then either, it is dead. */
  #watch(socket) {
    const every = Math.max(1, this.server.heartbeat_s) * 500;
    this.#later(every, () => {
      if (this.#socket !== socket) return;
      const silent = Date.now() - this.#heardAt;
      if (silent > every * 4) {
        this.#give_up();
        return;
      }
      if (silent > every) void this.#measure();
      this.#watch(socket);
    });
  }

  #lost(code, reason) {
    this.#socket = null;
    this.#open = false;
    for (const request of [...this.#pending.values()]) {
      if (request.urgent) {
        this.#drop(request);
        request.reject(new TradeError({ code: "closed", message: "the connection ended", definite: false }));
      }
    }
    if (this.connection.state === "stopped") return;
    if (code >= 4500 && code <= 4999) {
      this.#stop(String(code), reason || { 4501: "kicked", 4502: "the session is no longer valid" }[code] || "refused");
      return;
    }
    if (this.#urls.length > 1) {
      this.#at = (this.#at + 1) % this.#urls.length;
      this.failovers += 1;
    }
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempt);
    const first = this.#attempt === 0 && code === 1001;
    const pause = first ? Math.random() * 100 : most / 2 + (Math.random() * most) / 2;
    this.#attempt += 1;
    const why = { 4001: "read too slowly", 4002: "the connection went silent", 4003: "the server is full", 1001: "the server is going away" };
    this.#changed({
      state: this.player === null ? "connecting" : "reconnecting",
      reason: reason || why[code] || "no connection",
      retryAt: Date.now() + pause,
    });
    this.#retry = this.#later(pause, () => this.#dial());
  }

  /** The network is back, or somebody looks: now. */
  #hurry() {
    if (typeof document !== "undefined" && document.visibilityState === "hidden") return;
    if (this.#retry !== null) {
      this.#clear(this.#retry);
      this.#dial();
    } else if (this.#open && Date.now() - this.#heardAt > 3_000) {
      void this.#measure();
    }
  }

  #stop(code, reason, error) {
    if (this.connection.state === "stopped") return;
    const socket = this.#socket;
    this.#changed({ state: "stopped", code, reason, retryAt: null });
    this.#socket = null;
    this.#open = false;
    socket?.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const request of this.#pending.values()) {
      request.reject(new TradeError({ code: "closed", message: reason || "closed", definite: !request.sent }));
    }
    this.#pending.clear();
    if (typeof document !== "undefined") {
      globalThis.removeEventListener("online", this.#wake);
      document.removeEventListener("visibilitychange", this.#wake);
    }
    for (const game of this.games.values()) game._end();
    this.#settle.reject(error ?? new TradeError({ code: "closed", message: reason || "closed" }));
  }

  #changed(change) {
    this.connection = { ...this.connection, ...change, unanswered: this.unanswered };
    this.emit("state", this.connection);
  }

  // What goes and comes

  #send(request) {
    request.sent = true;
    try {
      this.#socket.send(JSON.stringify({ id: request.id, op: request.op, ...request.fields }));
    } catch {
      // it is closing: onclose comes, and then it is sent again
    }
  }

  #take(text) {
    this.#heardAt = Date.now();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return;
    }
    if (data.push !== undefined) this.games.get(data.game)?._push(data);
    else if (data.id !== null && data.id !== undefined) this.#answer(data);
  }

  #answer(data) {
    const request = this.#pending.get(data.id);
    if (request === undefined) return;
    const error = data.error;
    if (error !== undefined && request.op !== "hello" && this.#again(request, error)) return;
    this.#drop(request);
    if (error !== undefined) request.reject(new TradeError(error));
    else request.resolve(data.ok);
    if (request.key !== undefined) this.#changed({});
  }

  /** Not taken in, or nobody knows: again with the same key, until the deadline. */
  #again(request, error) {
    const waits = error.code === "rate_limited" || error.code === "overloaded";
    if (!waits && (error.definite || request.key === undefined)) return false;
    request.tries = (request.tries ?? 0) + 1;
    const pause = Math.max(error.retry_after_ms ?? 0, Math.min(2_000, 100 * 2 ** request.tries));
    this.#later(pause, () => {
      if (this.#open && this.#pending.has(request.id)) this.#send(request);
    });
    return true;
  }

  #drop(request) {
    this.#pending.delete(request.id);
    this.#clear(request.timer);
  }

  #later(ms, call) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #clear(timer) {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

/** One game that is followed: its public state and this player's account, kept up to date. */
export class Game extends Emitter {
  state = null;
  /** The player's account; null for who only looks on. */
  me = null;
  online = new Set();
  epoch = "";
  seq = 0;
  ended = false;

  #client;
  #queues = new Set();
  #joining = null;
  #early = [];

  constructor(client, id, spectate) {
    super();
    this.#client = client;
    this.id = id;
    this.spectate = spectate;
  }

  buy(good, qty, { limit, key = newKey() } = {}) {
    return this.#command("buy", { good, qty, ...(limit === undefined ? {} : { limit }), key });
  }

  sell(good, qty, { limit, key = newKey() } = {}) {
    return this.#command("sell", { good, qty, ...(limit === undefined ? {} : { limit }), key });
  }

  order(good, side, qty, price, { key = newKey() } = {}) {
    return this.#command("order", { good, side, qty, price, key });
  }

  cancel(order, { key = newKey() } = {}) {
    return this.#command("cancel", { order, key });
  }

  say(text, { to, key = newKey() } = {}) {
    return this.#command("say", { text, ...(to === undefined ? {} : { to }), key });
  }

  book(good, depth = 10) {
    return this.#command("book", { good, depth });
  }

  async standings(limit = 10) {
    return (await this.#command("standings", { limit })).standings;
  }

  async leave() {
    this.#client.games.delete(this.id);
    this._end();
    await this.#command("leave", {});
  }

  /** Every frame from now on: `for await (const frame of game.events())`. Ends when the client is closed. */
  async *events() {
    const queue = { frames: [], wake: null };
    this.#queues.add(queue);
    try {
      while (true) {
        while (queue.frames.length) yield queue.frames.shift();
        if (this.ended) return;
        await new Promise((resolve) => (queue.wake = resolve));
      }
    } finally {
      this.#queues.delete(queue);
    }
  }

  #command(op, fields) {
    return this.#client.request(op, { game: this.id, ...fields });
  }

  /** Joins, or resumes after the last frame seen. Pushes that overtake the reply wait for it. */
  async _join(now = true) {
    this.#joining = {};
    const mine = this.#joining;
    this.#early = [];
    const known = this.#client.games.get(this.id) === this || this.state === null;
    if (this.state === null) this.#client.games.set(this.id, this);
    const after = this.state === null ? {} : { after: { epoch: this.epoch, seq: this.seq } };
    const spectate = this.spectate ? { spectate: true } : {};
    let ok;
    try {
      ok = await this.#client.request("join", { game: this.id, ...spectate, ...after }, { now });
    } catch (error) {
      if (this.state === null && known) this.#client.games.delete(this.id);
      if (error.code === "unknown_game" && this.state !== null) {
        this.#client.games.delete(this.id);
        this.emit("gone");
        this._end();
        return;
      }
      throw error;
    }
    if (this.#joining !== mine) return;
    this.#joining = null;
    this.online = new Set();
    if (ok.state !== undefined) {
      this.state = ok.state;
      [this.epoch, this.seq] = [ok.epoch, ok.seq];
    }
    if (ok.me !== undefined) this.me = ok.me;
    const early = this.#early;
    this.#early = [];
    this.emit(ok.state !== undefined ? "reset" : "resumed");
    if (this.me) this.emit("account", this.me);
    for (const push of early) this._push(push);
  }

  _end() {
    this.ended = true;
    for (const queue of this.#queues) queue.wake?.();
  }

  _push(data) {
    if (this.#joining !== null) {
      if (this.#early.length < KEPT.frames) this.#early.push(data);
      return;
    }
    switch (data.push) {
      case "events":
        this.#frame(data);
        break;
      case "account":
        this.me = data.account;
        this.emit("account", this.me);
        break;
      case "whisper":
        this.emit("whisper", data);
        break;
      case "presence":
        for (const player of data.online) this.online.add(player);
        for (const player of data.offline) this.online.delete(player);
        this.emit("presence", this.online);
        break;
      case "gone":
        this.#rejoin();
        break;
    }
  }

  #rejoin() {
    this._join().catch((error) => this.emit("error", error));
  }

  #frame(frame) {
    if (frame.epoch !== this.epoch || frame.seq > this.seq + 1) {
      this.#rejoin();
      return;
    }
    if (frame.seq <= this.seq) return;
    this.seq = frame.seq;
    for (const event of frame.events) this.#apply(event, frame.at);
    for (const event of frame.events) this.emit(event.type, event, frame);
    this.emit("events", frame);
    for (const queue of this.#queues) {
      if (queue.frames.length < KEPT.frames) queue.frames.push(frame);
      queue.wake?.();
    }
  }

  #apply(event, at) {
    const state = this.state;
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
}

function keep(list, item, most) {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}

/** A key that nobody else makes: the same key sent again has one effect. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
