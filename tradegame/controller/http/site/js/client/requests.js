// Unanswered requests.

/** @import { Request } from "./request.js" */

import { COMMANDS } from "./commands.js";
import { TradeError, tradeError } from "./errors.js";
import { newKey, Told } from "./keys.js";
import { closed, copyOf, late, unsure, withdrawn } from "./request.js";
import { BEFORE_THE_KEY, NOT_TAKEN_IN, READS, UNANSWERED } from "./vocabulary.js";

const MOST_UNANSWERED = 1_000;
/**
 * How many keys of a game may be in use, from the oldest unsettled command on. After too many newer keys nobody would
 * know what became of it. Half of what a player may have is left for other tabs.
 */
const WINDOW = UNANSWERED / 2;
const FRAME_BYTES = 16_384;
/** No order has this id: cancelling it does nothing but use up the key. */
const NO_ORDER = "-";

/** Unanswered requests, across connections, in the order in which they were made. */
export class Requests {
  /** How many commands await an answer. */
  commands = 0;
  told = new Told();
  onchange = () => {};
  /** Whether the machine reports that it has no network: the socket would send a frame at an unknown later time. */
  offline = () => false;
  /** @type {(op: string, code: string | null, sentAt: number) => void} */
  onoutcome = () => {};

  /** Whether requests are held back because the machine is offline. */
  get kept() {
    return this.#held.size > 0 && this.offline();
  }

  /** @type {Map<number, Request>} */
  #waiting = new Map();
  /** New requests that may not be sent yet. @type {Set<Request>} */
  #held = new Set();
  /** By game: the commands sent, in order from the oldest unsettled one, with whether each is settled.
   * @type {Map<string, Map<number, boolean>>} */
  #places = new Map();
  /** In doubt, and refused for lack of room when sent again: new requests must not use up the rate they need.
   * @type {Set<Request>} */
  #refused = new Set();
  #number = 0;
  #asked = 0;
  /** @type {((text: string) => void) | null} */
  #write = null;
  #frameBytes = FRAME_BYTES;
  #over = "";

  /**
   * Sends a request, again on each new connection until it is answered. `answered` is called before the next frame is
   * processed.
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {{deadlineMs: number, unsentMs: number}} most
   * @param {(ok: any) => void} [answered]
   * @returns {Promise<any>}
   */
  ask(op, fields, { deadlineMs, unsentMs }, answered = () => {}) {
    return new Promise((resolve, reject) => {
      if (this.#over) throw new TradeError({ code: "closed", message: this.#over });
      if (this.#asked >= MOST_UNANSWERED)
        throw new TradeError({ code: "overloaded", message: "too many unanswered requests" });
      const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
      const request = this.#make(op, Object.fromEntries(given), true, (ok, error) => {
        if (error === null) {
          answered(ok);
          resolve(ok);
        } else reject(error);
      });
      const frame = this.#frame(request);
      if (frame.length * 3 > this.#frameBytes && new TextEncoder().encode(frame).length > this.#frameBytes) {
        // The server would close every connection on which it is sent.
        throw new TradeError({
          code: "bad_request",
          message: `a frame has at most ${this.#frameBytes} bytes`,
          at: "$",
          ...copyOf(request),
        });
      }
      this.#asked += 1;
      request.until = performance.now() + deadlineMs;
      request.deadline = setTimeout(() => {
        const message = `${op} was not answered in ${deadlineMs / 1000} s`;
        this.#settle(
          request,
          null,
          new TradeError({ code: "timeout", message, definite: !unsure(request), ...copyOf(request) }),
        );
      }, deadlineMs);
      if (COMMANDS.has(op) && unsentMs < deadlineMs) {
        request.unsentMs = unsentMs;
        request.withdrawal = setTimeout(
          () => unsure(request) || this.#settle(request, null, withdrawn(request)),
          unsentMs,
        );
      }
      this.#add(request);
    });
  }

  /**
   * Sends a request on this connection only. If that ends first, the error is `closed`.
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {(ok: any, error: TradeError | null) => void} answered
   */
  put(op, fields, answered) {
    this.#add(this.#make(op, fields, false, answered));
  }

  /** For how many ticks the oldest request on this connection has been unanswered. Each call is a tick. */
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

  /** Sends all unanswered requests, except those that wait to be retried. Those in doubt go first. */
  resend() {
    const unsent = [...this.#waiting.values()].filter(({ flying, retry }) => !flying && retry === undefined);
    for (const request of unsent.filter(({ doubt }) => doubt)) this.#send(request);
    for (const request of unsent.filter(({ doubt }) => !doubt)) this.#send(request);
  }

  /** The connection has ended: what was sent on it may have been carried out. */
  disconnected() {
    this.#write = null;
    this.#held.clear();
    for (const request of [...this.#waiting.values()]) {
      request.doubt ||= request.flying;
      request.flying = false;
      if (!request.lasting) this.#settle(request, null, closed("the connection ended", request));
    }
  }

  /** Rejects everything: no answer will come. @param {string} why */
  stop(why) {
    this.#over = why;
    this.#write = null;
    for (const request of [...this.#waiting.values()]) this.#settle(request, null, closed(why, request));
  }

  /** @param {any} data */
  answer(data) {
    const request = this.#waiting.get(data.id);
    if (request === undefined || !request.flying) return; // no longer awaited
    const failed = data.error !== undefined;
    if (!failed && (typeof data.ok !== "object" || data.ok === null)) throw new TypeError("an invalid answer");
    const error = failed ? tradeError(data.error, copyOf(request)) : null;
    request.flying = false;
    const { keys } = failed ? data.error : data.ok;
    if (request.key !== null) this.told.answered(request.game, request.epoch, keys, error?.code === "ahead");
    this.onoutcome(request.op, error?.code ?? null, request.sentAt);
    if (error === null && !request.voiding) return this.#settle(request, data.ok, null);
    if (error !== null && !error.definite) request.doubt = true;
    this.#place(request, error !== null && NOT_TAKEN_IN.has(error.code));
    if (request.voiding && (error === null || (error.definite && !BEFORE_THE_KEY.has(error.code)))) {
      if (error?.code !== "key_reused") return this.#settle(request, null, withdrawn(request));
      request.happened = true; // sent again, it gets the first result
      return this.#send(request);
    }
    if (error === null) return;
    if (this.#anew(request, error)) return this.#send(request);
    if (request.lasting && this.#again(request, error)) return;
    // This attempt had no effect, but an earlier one, whose answer was lost, may have had one.
    if ((request.doubt || request.given) && BEFORE_THE_KEY.has(error.code)) error.definite = false;
    this.#settle(request, null, error);
  }

  /** Whether the only copy did nothing: it is made anew. @param {Request} request @param {TradeError} error */
  #anew(request, { code }) {
    const rejoins = code === "epoch_over" && request.op === "join";
    if (rejoins) this.told.over(request.game);
    if (code !== "stale" && code !== "ahead" && !rejoins) return false;
    if (request.doubt || request.given || request.voiding || !request.lasting) return false;
    if (request.made) request.key = newKey();
    return true;
  }

  /**
   * Retries a request that was refused for lack of room or is in doubt. False if there is no time left.
   * @param {Request} request
   * @param {TradeError} error
   */
  #again(request, error) {
    if (error.definite && !NOT_TAKEN_IN.has(error.code)) return false;
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
    /** @type {Record<string, any>} */
    const all = { ...this.told.known(fields.game, fields.key), ...fields };
    const { key: said, since, epoch, ...rest } = all;
    const made = lasting && said === undefined && (op === "join" || COMMANDS.has(op));
    const key = made ? newKey() : (said ?? null);
    const { game = "" } = rest;
    // A request that changes something and has no key must not be sent twice.
    const again = lasting && (key !== null || READS.has(op));
    const copy = { key, since, epoch, made, given: since !== undefined };
    const fresh = {
      flying: false,
      doubt: false,
      tries: 0,
      age: 0,
      sentAt: 0,
      until: Infinity,
      deadline: undefined,
      retry: undefined,
    };
    const patience = {
      askedAt: performance.now(),
      askedOn: Date.now(),
      unsentMs: Infinity,
      voiding: false,
      happened: false,
      withdrawal: undefined,
    };
    return { id, op, fields: rest, game, lasting: again, settle, ...copy, ...fresh, ...patience };
  }

  /** @param {Request} request */
  #add(request) {
    this.#waiting.set(request.id, request);
    this.commands += Number(request.key !== null);
    this.#send(request);
    if (request.key !== null) this.onchange();
  }

  /**
   * Sends a request now, or when its turn comes. One that is too late must not happen any more: a new one is withdrawn;
   * for one in doubt, a command that does nothing uses up its key. After that, no copy of it still under way has an
   * effect. If the key is known already, it had happened.
   * @param {Request} request
   */
  #send(request) {
    if (this.#write === null) return;
    if (late(request) && !request.doubt) return this.#settle(request, null, withdrawn(request));
    if (!this.#free(request)) return void this.#held.add(request);
    if (request.key !== null) this.#sent(request).set(request.id, false);
    request.voiding = request.doubt && !request.happened && late(request);
    const frame = this.#frame(request);
    request.flying = true;
    request.age = 0;
    request.sentAt = performance.now();
    this.#write(frame);
  }

  /**
   * What goes out for it. Until a copy may have been carried out, what this client was told last counts.
   * @param {Request} request
   */
  #frame(request) {
    if (request.key !== null && !request.given && !unsure(request)) Object.assign(request, this.told.now(request.game));
    const { id, op, game, fields } = request;
    const what = request.voiding ? { op: "cancel", game, order: NO_ORDER } : { op, ...fields };
    return JSON.stringify({ id, ...what, ...(request.key === null ? {} : copyOf(request)) });
  }

  /** Whether it may be sent. One in doubt always may. @param {Request} request */
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
   * Notes an answer. A command refused for lack of room uses up no key, unless it is in doubt.
   * @param {Request} request
   * @param {boolean} refused
   */
  #place(request, refused) {
    if (!refused) this.#refused.delete(request);
    else if (request.doubt && request.key !== null) this.#refused.add(request);
    else this.#sent(request).delete(request.id);
    this.next();
  }

  /** Sends the requests whose turn has come, oldest first, those refused meanwhile included. */
  next() {
    if (this.#refused.size || !this.#held.size) return;
    for (const request of [...this.#held].sort((one, other) => one.id - other.id)) {
      if (!this.#free(request) || !this.#held.delete(request)) continue;
      this.#send(request);
    }
  }

  /**
   * Settles a request, once.
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
    if (request.key !== null && error !== null && !error.definite) this.told.doubt(request);
    const places = this.#sent(request);
    if (places.has(request.id)) places.set(request.id, true);
    for (const [id, settled] of places) {
      if (!settled) break;
      places.delete(id); // free once all older ones are settled
    }
    request.settle(ok, error);
    if (request.key !== null) this.onchange();
    this.next();
  }
}
