// Whether the server still answers.

import { TICK_MS } from "./link.js";

const WAKE_TICKS = 5;

/**
 * Detects a dead connection. A browser does not show the server's pings, so the client asks when nothing arrives.
 *
 * It counts ticks, one a second while this program runs, instead of reading a clock: a program that slept, was stopped
 * or is throttled in a hidden tab does not mistake the server for dead.
 */
export class Liveness {
  #quiet = 0;
  /** Ticks left for an answer; null if nothing was asked.
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

  /** The machine woke up: the answer must come soon. Returns whether to ask. */
  doubt() {
    const asks = this.#left === null;
    this.#left = Math.min(this.#left ?? WAKE_TICKS, WAKE_TICKS);
    return asks;
  }

  /**
   * Called once a second. `age`: for how many ticks the oldest request has been unanswered. A node that waits for its
   * store reads nothing for up to 8 s; if there is no other node, wait that long.
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
