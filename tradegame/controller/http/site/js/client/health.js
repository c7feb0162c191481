// Whether a node does its work.

import { BEFORE_THE_KEY, KEYED, TROUBLE } from "./vocabulary.js";

const TROUBLE_MS = 1_500;
const RECENT_MS = 10_000;

/** Whether the node of this connection does its work, or only answers that it cannot. */
export class Health {
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
