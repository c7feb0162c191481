// Whether the server still answers.

import { TICK_MS } from "./link.js";

const WAKE_TICKS = 5;

/**
 * Is the server still there? A browser does not tell of the server's pings: when nothing comes, the client asks.
 *
 * It counts ticks, one a second while this program runs, and looks at no clock: who slept, was stopped or is throttled
 * in a tab that nobody sees does not take the others for dead.
 */
export class Liveness {
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
