// Whether a node answers nothing but errors.

import { COMMANDS } from "./commands.js";
import { BEFORE_THE_KEY, TROUBLE } from "./vocabulary.js";

const PATIENCE_MS = 1_500;
const RECENT_MS = 10_000;

/** Watches a node's answers for the errors of a node that cannot do its work. */
export class NodeErrors {
  #goodAt = -Infinity;
  #badSince = Infinity;
  #badAt = -Infinity;

  /**
   * Takes an answer to a request sent at `sentAt`. True if the node has answered nothing but such errors for 1.5 s.
   * @param {string} op
   * @param {string | null} code
   * @param {number} sentAt
   */
  answered(op, code, sentAt) {
    const now = performance.now();
    if (code === null || !TROUBLE.has(code)) {
      // Only an answer that needs the store shows that the node works; a join may be answered from memory.
      const works = COMMANDS.has(op) && !BEFORE_THE_KEY.has(code ?? "");
      if (works) [this.#goodAt, this.#badSince] = [now, Infinity];
      return false;
    }
    if (now - this.#badAt > RECENT_MS) this.#badSince = Infinity;
    this.#badAt = now;
    this.#badSince = Math.min(this.#badSince, Math.max(sentAt, this.#goodAt));
    return now - this.#badSince >= PATIENCE_MS;
  }
}
