// When to reconnect.

/** @import { Nodes } from "./nodes.js" */

import { CLOSE } from "./vocabulary.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
const HELLO_MS = 10_000;
const HASTY_HELLO_MS = 4_000;
const MOST_PATIENCE = 4;
/** When a node dies, its clients come to the others spread over so long. */
const JITTER_MS = 250;
/** A connection that lasted so long ends the back-off: what comes next is a new trouble. */
const STEADY_MS = 10_000;

/** Hurry while there are other nodes to go to; back-off, and ever more patience, when none of them is any better. */
export class Pace {
  /** A factor for all that is waited in a hurry. */
  patience = 1;
  #nodes;
  #tries = 0;
  #hurried = 0;

  /** @param {Nodes} nodes */
  constructor(nodes) {
    this.#nodes = nodes;
  }

  /** Whether there is anywhere else to go. */
  get hasty() {
    return this.#nodes.urls.length > 1;
  }

  /** How long it may take until `hello` is answered. */
  get helloMs() {
    return this.hasty ? Math.min(HELLO_MS, HASTY_HELLO_MS * this.patience) : HELLO_MS;
  }

  /**
   * How long to wait, in ms, after what happened at `url`. `lasted`: ms since `hello`; null: it was not answered.
   * @param {string} url
   * @param {number} code
   * @param {number | null} lasted
   * @param {boolean} failing
   * @param {number} waitMs
   */
  pause(url, code, lasted, failing, waitMs) {
    const nodes = this.#nodes;
    if (lasted === null) {
      nodes.failed(url);
      if (nodes.more) return 0; // there are others that were not asked yet
      nodes.beginRound();
      this.#bePatient();
      return this.#backOff() + waitMs;
    }
    if (lasted >= STEADY_MS) this.#tries = this.#hurried = 0;
    if (failing) {
      nodes.failed(url);
      this.#bePatient();
    } else if (lasted >= STEADY_MS) {
      nodes.steady(url);
      this.patience = 1;
    }
    nodes.beginRound(url);
    const others = nodes.others(url).length > 0;
    if ((code === CLOSE.GOING_AWAY || (others && code === CLOSE.LOST)) && this.#hurried < nodes.urls.length) {
      this.#hurried += 1; // another node takes us in; not for ever, should they all be going
      return Math.random() * JITTER_MS;
    }
    return this.#backOff() + waitMs;
  }

  /** If all are slow, to hurry from one to the next only makes them slower. */
  #bePatient() {
    this.patience = Math.min(MOST_PATIENCE, 2 * this.patience);
  }

  /** Exponential, with full jitter: of the ways to spread a crowd that was thrown out at once, it makes the fewest calls. */
  #backOff() {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries);
    this.#tries += 1;
    return Math.random() * most;
  }
}
