// A followed game.

/** @import * as T from "../../tradegame.d.ts" */

/** @import { Client } from "./client.js" */
/** @import { Told } from "./keys.js" */

import { Commands } from "./commands.js";
import { EventStream } from "./event_stream.js";
import { fold } from "./fold.js";
import { newKey } from "./keys.js";
import { KEPT } from "./vocabulary.js";

/** A game's clock that is ahead of the server's runs slower by this fraction until both agree. */
const SLEW = 0.05;

/** A followed game: its public state and this player's account, kept up to date. */
export class Game extends Commands {
  /** @type {T.State} */
  state = /** @type {any} */ (null); // never seen: join() resolves after the state is set
  /** The player's account; null for a spectator.
   * @type {T.Account | null} */
  me = null;
  /** @type {Set<string>} */
  online = new Set();
  epoch = "";
  seq = 0;
  /** The game was left or deleted, or the client has stopped: nothing more comes. */
  ended = false;
  /** The player had chosen `cancel_on_disconnect`, and the game, which was made anew, does not know it. */
  _toChoose = false;
  _gaps = 0;

  #client;
  #told;
  /** @type {Set<EventStream>} */
  #streams = new Set();
  #syncing = false;
  #aheadMs = 0;
  #aheadSince = 0;
  /** Whether `state` can be resumed from. */
  #resumable = false;

  /** @param {Client} client @param {string} id @param {boolean} spectate @param {Told} told */
  constructor(client, id, spectate, told) {
    super();
    this.#client = client;
    this.#told = told;
    this.id = id;
    this.spectate = spectate;
  }

  /** What a command says that is made now, to write down before it is sent. @returns {T.Copy} */
  newCopy() {
    return { key: newKey(), ...this.#told.now(this.id) };
  }

  /** @param {string} good @returns {Promise<T.Book>} */
  book(good, depth = 10) {
    return this._request("book", { good, depth });
  }

  /** @param {"round" | "total"} by @returns {Promise<T.Standing[]>} */
  async standings(limit = 10, by = "round") {
    return (await this._request("standings", by === "round" ? { limit } : { limit, by })).standings;
  }

  /** @returns {Promise<T.Fill[]>} */
  async fills(limit = KEPT.fills) {
    return (await this._request("fills", { limit })).fills;
  }

  /** @returns {Promise<T.OwnOrders>} */
  orders() {
    return this._request("orders", {});
  }

  /** The game's clock, in ms since the Unix epoch: the server's, or that of the frames if it is ahead. */
  now() {
    return Math.round(this.#client.now() + this.#ahead());
  }

  #ahead() {
    return Math.max(0, this.#aheadMs - (performance.now() - this.#aheadSince) * SLEW);
  }

  /** Stops following the game: `events()` ends. The account stays. Leaving again does nothing. */
  leave() {
    return this.#client._leave(this);
  }

  /**
   * Every frame from this call on: `for await (const frame of game.events())`. Ends when the game is left or deleted,
   * or the client stops. A reader more than 1 000 frames behind, or offline for longer than the server remembers, gets
   * a frame `{push: "reset", seq, events: []}` instead of the missing ones; `game.state` has missed nothing.
   * @returns {EventStream}
   */
  events() {
    const stream = new EventStream(() => this.#streams.delete(stream));
    if (this.ended) stream._end();
    else this.#streams.add(stream);
    return stream;
  }

  /** @param {string} op @param {Record<string, unknown>} fields */
  _request(op, fields) {
    return this.#client.request(op, { game: this.id, ...fields });
  }

  /** The fields of a `join` that resumes. Frames that arrive before its answer are ignored: they come again. */
  _resuming() {
    this.#syncing = true;
    const after = this.#resumable ? { after: { epoch: this.epoch, seq: this.seq } } : {};
    const choice = this._toChoose ? { cancel_on_disconnect: true } : {};
    return { game: this.id, ...(this.spectate ? { spectate: true } : choice), ...after };
  }

  /** Takes the answer to a `join`. If `recovered`, the missed frames follow. @param {any} ok */
  _joined(ok) {
    const whole = ok.recovered !== true;
    const [epoch, chosen] = [this.epoch, this.me?.cancel_on_disconnect === true];
    if (whole && (typeof ok.state?.goods !== "object" || typeof ok.epoch !== "string" || !Number.isInteger(ok.seq)))
      throw new TypeError("an invalid state");
    if (!whole && !this.#resumable) throw new TypeError("no state for a game that was not followed");
    this.#syncing = false;
    this.online = new Set(); // the full list follows
    if (whole) {
      [this.state, this.epoch, this.seq] = [ok.state, ok.epoch, ok.seq];
      this.#resumable = true;
      for (const stream of this.#streams) stream._reset(this.#reset());
    }
    if (ok.me !== undefined) {
      this.#account(ok.me);
      this._toChoose = chosen && epoch !== this.epoch && ok.me.cancel_on_disconnect !== true;
    }
    this._emit(whole ? "reset" : "resumed");
    if (this.me) this._emit("account", this.me);
  }

  _end() {
    this.ended = true;
    for (const stream of [...this.#streams]) stream._end();
  }

  /** Takes a push. False if frames before it are missing. @param {any} data */
  _push(data) {
    switch (data.push) {
      case "events":
        return this.#syncing || this.#frame(data);
      case "account":
        if (typeof data.account?.cash !== "number") throw new TypeError("an invalid account");
        this.#account(data.account);
        this._emit("account", this.me);
        break;
      case "whisper":
        this._emit("whisper", data);
        break;
      case "fills":
        this._emit("fills", data);
        break;
      case "presence":
        for (const player of data.online) this.online.add(player);
        for (const player of data.offline) this.online.delete(player);
        this._emit("presence", this.online);
        break;
    }
    return true;
  }

  /** @param {T.Account} me */
  #account(me) {
    this.me = me;
    this.#told.joined(this.id, this.epoch, me.keys);
  }

  #reset() {
    return {
      push: /** @type {const} */ ("reset"),
      game: this.id,
      epoch: this.epoch,
      seq: this.seq,
      events: /** @type {[]} */ ([]),
    };
  }

  /** @param {T.Frame} frame */
  #frame(frame) {
    if (frame.epoch !== this.epoch || frame.seq > this.seq + 1) {
      this._gaps += 1;
      return false;
    }
    if (frame.seq <= this.seq) return true; // seen already: a resume sends it again
    try {
      if (frame.seq !== this.seq + 1) throw new TypeError("a frame without a seq");
      for (const event of frame.events) fold(this.state, event, frame.at);
    } catch (error) {
      this.#resumable = false; // the state has half of this frame, and a resume would send it again
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
