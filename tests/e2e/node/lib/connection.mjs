// One WebSocket connection: requests matched to replies by id, pushes collected, every frame checked as it comes.

import assert from "node:assert/strict";
import WebSocket from "ws";
import { Mirror } from "./mirror.mjs";
import { DEADLINE_MS, sleep, within } from "./tap.mjs";
import * as wire from "./wire.mjs";

/** What any connection of this run saw that no check waited for: `{where, problem}`. Must stay empty. */
export const violations = [];

const live = new Set();
let ids = 0;

export class Connection {
  /** Opens and waits for the handshake. `options` are those of the ws package; `protocols` may be []. */
  static async open(url, { protocols = ["tradegame.v1"], ...options } = {}) {
    const connection = new Connection(new WebSocket(url, protocols, { perMessageDeflate: true, ...options }));
    await within(DEADLINE_MS, "the handshake", connection.#opened);
    return connection;
  }

  /** Opens and says hello; with a token, as the player whose it is. */
  static async signedIn(url, hello = {}) {
    const connection = await Connection.open(url);
    connection.welcome = await connection.ok("hello", hello);
    return connection;
  }

  static closeAll() {
    for (const each of live) each.drop();
  }

  #opened;
  #waiting = new Map();
  #watchers = new Set();

  constructor(socket) {
    this.socket = socket;
    this.welcome = null;
    this.frames = []; // every frame: {raw, frame}
    this.mirrors = new Map(); // game → Mirror, after a join
    this.online = new Map(); // game → who is connected, since the last join
    this.pings = 0;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        live.delete(this);
        resolve({ code, reason: reason.toString() });
        for (const { reject } of this.#waiting.values()) reject(new Error(`closed with ${code} ${reason}`));
        this.#waiting.clear();
      });
    });
    this.#opened = new Promise((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    this.#opened.catch(() => {});
    socket.on("ping", () => (this.pings += 1));
    socket.on("message", (data, binary) => this.#take(data, binary));
    live.add(this);
  }

  get player() {
    return this.welcome.player.id;
  }

  get token() {
    return this.welcome.token;
  }

  #take(data, binary) {
    const raw = data.toString();
    try {
      assert.equal(binary, false, "a binary frame");
      const frame = JSON.parse(raw);
      wire.checkFrame(raw, frame);
      this.frames.push({ raw, frame });
      if (frame.push === "events" && this.mirrors.has(frame.game)) this.mirrors.get(frame.game).apply(frame);
      else if (frame.push === "events") throw new Error(`events of a game that is not followed: ${raw}`);
      if (frame.push === "presence") this.#presence(frame);
      if (!("push" in frame)) this.#answer(raw, frame);
    } catch (problem) {
      violations.push({ where: raw.slice(0, 400), problem });
    }
    for (const watcher of this.#watchers) watcher();
  }

  #answer(raw, frame) {
    if (frame.id === null) return; // for the check that waits for it
    const waiting = this.#waiting.get(frame.id);
    if (waiting === undefined) throw new Error("a reply that nobody waits for");
    this.#waiting.delete(frame.id);
    // Here and now: the next frame may be an event that the join's reply announces.
    if (waiting.op === "join" && "ok" in frame) {
      const { ok } = frame;
      this.online.set(ok.game, new Set());
      if (ok.state) this.mirrors.set(ok.game, new Mirror(ok));
      else if (waiting.mirror) this.mirrors.set(ok.game, waiting.mirror);
    }
    waiting.resolve(frame);
  }

  #presence({ game, online, offline }) {
    const here = this.online.get(game);
    for (const player of online) here.add(player);
    for (const player of offline) here.delete(player);
  }

  /** Sends text as it is. */
  send(text) {
    this.socket.send(text);
  }

  /** Sends a request and returns its reply, whatever it is. `mirror`: the one that a resuming join goes on with. */
  request(op, fields = {}, { mirror = null, id = `r${(ids += 1)}` } = {}) {
    const reply = new Promise((resolve, reject) => this.#waiting.set(id, { op, mirror, resolve, reject }));
    reply.catch(() => {});
    this.send(JSON.stringify({ id, op, ...fields }));
    return within(DEADLINE_MS, `the reply to ${op}`, reply);
  }

  /** The same for a request that is given as text; `id` is the one that stands in it. */
  requestText(text, id) {
    const reply = new Promise((resolve, reject) => this.#waiting.set(id, { op: "", mirror: null, resolve, reject }));
    reply.catch(() => {});
    this.send(text);
    return within(DEADLINE_MS, `the reply to ${text.slice(0, 100)}`, reply);
  }

  /** The `ok` of a request that must succeed. Waits as told where the server is busy: nothing was taken in. */
  async ok(op, fields = {}, options = {}) {
    for (;;) {
      const reply = await this.request(op, fields, options);
      if ("ok" in reply) {
        wire.ok[op](reply.ok);
        assert.equal("replayed" in reply.ok, options.replayed === true, `replayed: ${JSON.stringify(reply.ok)}`);
        return reply.ok;
      }
      if (reply.error.code !== "rate_limited") assert.fail(`${op} failed: ${JSON.stringify(reply.error)}`);
      assert.ok("retry_after_ms" in reply.error, "rate_limited tells when to come again");
      await sleep(reply.error.retry_after_ms + 1);
    }
  }

  /** The `error` of a request that must fail with that code. */
  async error(code, op, fields = {}, options = {}) {
    for (;;) {
      const reply = await this.request(op, fields, options);
      assert.ok("error" in reply, `${op} should have failed with ${code}: ${JSON.stringify(reply)}`);
      if (reply.error.code === "rate_limited" && code !== "rate_limited") {
        await sleep(reply.error.retry_after_ms + 1);
        continue;
      }
      assert.equal(reply.error.code, code, JSON.stringify(reply.error));
      assert.equal("replayed" in reply.error, options.replayed === true, `replayed: ${JSON.stringify(reply.error)}`);
      return reply.error;
    }
  }

  /** Joins a game and checks what the reply holds. */
  async join(game, fields = {}, options = {}) {
    const reply = await this.ok("join", { game, ...fields }, options);
    assert.equal(reply.game, game);
    assert.equal("state" in reply, !reply.recovered, "a state, unless recovered");
    assert.equal("me" in reply, fields.spectate !== true, "an account, unless spectating");
    return reply;
  }

  /** The first frame from number `from` on that `matches`; waits for it. */
  until(what, matches, from = 0) {
    let next = from;
    const found = new Promise((resolve) => {
      const watcher = () => {
        for (; next < this.frames.length; next += 1) {
          if (matches(this.frames[next].frame)) {
            this.#watchers.delete(watcher);
            resolve(this.frames[next].frame);
            return;
          }
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
    const end = this.closed.then(({ code, reason }) => Promise.reject(new Error(`${what}: closed: ${code} ${reason}`)));
    return within(DEADLINE_MS, what, Promise.race([found, end]));
  }

  /** The first event from frame number `from` on that `matches`, as `{frame, event}`. */
  async event(what, game, matches, from = 0) {
    const inside = (frame) => frame.events.find((event) => matches(event));
    const frame = await this.until(
      what,
      (each) => each.push === "events" && each.game === game && inside(each) !== undefined,
      from,
    );
    return { frame, event: inside(frame) };
  }

  /** Waits until the events of the game have come up to `seq`. */
  async caughtUp(game, seq) {
    if (this.mirrors.get(game).seq >= seq) return;
    await this.until(`${game} up to ${seq}`, (each) => each.push === "events" && each.game === game && each.seq >= seq);
  }

  /** The events frames of a game as they came, as text, from one seq to another. */
  rawEvents(game, first, last) {
    return this.frames
      .filter(({ frame }) => frame.push === "events" && frame.game === game && frame.seq >= first && frame.seq <= last)
      .map(({ raw }) => raw);
  }

  /** Closes as RFC 6455 wants it. */
  async close() {
    this.socket.close(1000);
    return within(DEADLINE_MS, "the closing handshake", this.closed);
  }

  /** Goes away without a word. */
  drop() {
    this.socket.terminate();
  }
}

/** The HTTP answer to a WebSocket handshake that must be refused: `{status, body}`. */
export function refused(url, protocols, options = {}) {
  const answer = new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, options);
    socket.on("open", () => {
      socket.terminate();
      reject(new Error("the handshake was accepted"));
    });
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (body += chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode, body });
        socket.on("error", () => {});
        socket.terminate();
      });
    });
  });
  answer.catch(() => {});
  return within(DEADLINE_MS, "the refusal", answer);
}
