// A server that is no more than what a test lets it say, and a clock that goes when a test lets it go.

import assert from "node:assert/strict";
import { mock } from "node:test";
import { Client } from "../../../../tradegame/controller/http/site/tradegame.js";

const STEP_MS = 10;

/** From now on time stands still, but for `advance`. */
export function stopTheClock() {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_790_000_000_000 });
  const ticked = Date.now;
  const gone = () => ticked.call(Date) + slept;
  Date.now = () => gone() + set;
  performance.now = gone;
  console.warn = () => {}; // the client tells of what is not of the protocol, and the tests bring a lot of it
}

let slept = 0;
let set = 0;

/** Somebody sets the machine's clock: its timers do not see it. */
export function setTheClock(ms) {
  set += ms;
}

/** As when a laptop's lid is closed: the clock goes on, and no timer has run meanwhile. */
export function sleep(ms) {
  slept += ms;
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

export async function advance(ms) {
  for (let gone = 0; gone < ms; gone += STEP_MS) {
    mock.timers.tick(Math.min(STEP_MS, ms - gone));
    await settled();
  }
}

export const MARKET = { last: 20, bids: [[19, 50]], asks: [[21, 50]], volume: 0, recent: [] };

export const state = (fields = {}) => ({
  title: "",
  about: "",
  phase: "open",
  round: 1,
  ends_at: null,
  opened_at: null,
  rules: {},
  settled: {},
  goods: { grain: structuredClone(MARKET) },
  players: {},
  messages: [],
  news: [],
  ...fields,
});

export const account = (cash = 10_000, keys = 0) => ({
  cash,
  held_cash: 0,
  goods: { grain: 0 },
  held_goods: { grain: 0 },
  orders: [],
  worth: cash,
  start: cash,
  score: 0,
  keys,
});

export const frame = (seq, events = [], fields = {}) => ({
  push: "events",
  game: "bazaar",
  epoch: "e1",
  seq,
  at: 1_790_000_000_000 + seq,
  events,
  ...fields,
});

export const refusal = (code, fields = {}) => ({
  code,
  message: `it is ${code}`,
  definite: !["unavailable", "timeout", "internal"].includes(code),
  ...fields,
});

/** One end of a connection: what the client has sent, and what a test lets the server say. */
export class Socket {
  readyState = 0;
  requests = [];

  constructor(url) {
    this.url = url;
  }

  // what the client uses

  send(text) {
    if (this.readyState === 0) throw new Error("not open yet");
    if (this.readyState === 1) this.requests.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  // what a test does

  open() {
    this.readyState = 1;
    this.onopen?.({});
    return this;
  }

  raw(data) {
    this.onmessage?.({ data });
  }

  say(data) {
    this.raw(JSON.stringify(data));
  }

  /** The server, or the net, ends it. */
  end(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** The requests of that op so far. */
  of(op) {
    return this.requests.filter((request) => request.op === op);
  }

  /** The newest request of that op, which there must be. */
  last(op) {
    const request = this.of(op).at(-1);
    assert.ok(request, `no ${op} was sent, but ${JSON.stringify(this.requests)}`);
    return request;
  }

  ok(request, ok = {}) {
    this.say({ id: request.id, ok });
  }

  refuse(request, code, fields) {
    this.say({ id: request.id, error: refusal(code, fields) });
  }

  /** Opens it and answers hello. */
  greet({ server = {}, player = "p1", token = "t1" } = {}) {
    if (this.readyState === 0) this.open();
    const facts = {
      version: "0",
      node: this.url,
      heartbeat_s: 1_000,
      frame_bytes: 16_384,
      commands_per_s: 20,
      burst: 40,
      ...server,
    };
    this.ok(this.last("hello"), { player: { id: player, name: "ann" }, token, expires_s: 60, server: facts });
    return this;
  }

  /** Answers the newest join with a whole state. */
  show(seq = 10, fields = {}) {
    this.ok(this.last("join"), {
      game: this.last("join").game,
      epoch: "e1",
      seq,
      recovered: false,
      state: state(),
      me: account(),
      ...fields,
    });
    return this;
  }

  /** Answers the newest join with: go on where you were. */
  recover(fields = {}) {
    const { game, after } = this.last("join");
    this.ok(this.last("join"), { game, ...after, recovered: true, me: account(), ...fields });
    return this;
  }
}

/** Clients, and the sockets that they make. */
export class World {
  sockets = [];
  clients = [];
  states = [];

  client(options = {}, url = "ws://one.example/ws") {
    const world = this;
    class WebSocket extends Socket {
      constructor(address) {
        super(address);
        world.sockets.push(this);
      }
    }
    const client = new Client(url, { name: "ann", connectDeadlineMs: Infinity, WebSocket, ...options });
    client.on("state", ({ state: now }) => this.states.push(now));
    this.clients.push(client);
    return client;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** A client in the bazaar, at frame 10. */
  async playing(options = {}, greeting = {}) {
    const client = this.client(options);
    this.socket.greet(greeting);
    const joining = client.join("bazaar");
    this.socket.show();
    return { client, game: await joining, socket: this.socket };
  }

  /** Waits for one more socket; how many ms it took. */
  async next(mostMs = 11_000) {
    const before = this.sockets.length;
    for (let waited = 0; waited <= mostMs; waited += STEP_MS) {
      if (this.sockets.length > before) return waited;
      await advance(STEP_MS);
    }
    assert.fail(`no new connection in ${mostMs} ms`);
  }

  close() {
    for (const client of this.clients) client.close();
  }
}

/** How a promise stands: "open", what it was resolved with, or the error. */
export function watch(promise) {
  const watched = { settled: 0, value: undefined, error: undefined };
  promise.then(
    (value) => Object.assign(watched, { settled: watched.settled + 1, value }),
    (error) => Object.assign(watched, { settled: watched.settled + 1, error }),
  );
  return watched;
}
