// One socket.

import { CLOSE, SUBPROTOCOL } from "./vocabulary.js";

export const TICK_MS = 1_000;
const GOODBYE_MS = 1_000;
/** Values of WebSocket.readyState. */
const CLOSING = 2;
const CLOSED = 3;

/** @typedef {{code: number, reason: string, failing: boolean, waitMs: number}} Ended
 *  `failing`: the node answered, but did no useful work. `waitMs`: how long it asked us to wait. */

/** One socket, with the timers that end with it. */
export class Link {
  /** @type {any} */
  #socket = null;
  opened = false;
  #over = false;
  #why = "";
  #ended;
  /** Each timer with what to call if the connection ends first.
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
      const socket = (this.#socket = new WebSocket(url, [SUBPROTOCOL]));
      socket.onopen = () => {
        this.opened = true;
        on.opened();
      };
      socket.onmessage = (/** @type {{data: unknown}} */ { data }) => on.text(data);
      socket.onerror = (/** @type {{message?: string}} */ event) => (this.#why = event?.message ?? "");
      socket.onclose = (/** @type {{code: number, reason: string}} */ { code, reason }) =>
        this.end(code, reason || this.#why);
    } catch (error) {
      // an invalid address, or one that the page may not connect to
      this.after(0, () => this.end(CLOSE.LOST, String(error)));
    }
  }

  /** @param {string} text */
  send(text) {
    try {
      this.#socket.send(text);
    } catch {
      // it is closing: onclose follows, and unanswered commands are sent again
    }
  }

  /**
   * Calls `call` after `ms`, or `instead` if the connection ends first.
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
   * Ends the connection, once. `silent`: without waiting for the other side's close frame.
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
      // Only the package ws has `terminate`. Without it, a dead server would keep the process alive for up to 30 s.
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
