// When to reconnect.

/** @import { Nodes } from "./nodes.js" */

import { CLOSE } from "./vocabulary.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
const HELLO_MS = 10_000;
const HASTY_HELLO_MS = 4_000;
const MOST_PATIENCE = 4;
/** The clients of a dead node reconnect spread over this time. */
const JITTER_MS = 250;
/** A connection that lasted this long resets the back-off. */
const STEADY_MS = 10_000;

/** Reconnects quickly while there are other nodes to try; backs off, with growing deadlines, if all fail. */
export class Pace {
  /** A factor for the short deadlines. */
  patience = 1;
  #nodes;
  #tries = 0;
  #hurried = 0;

  /** @param {Nodes} nodes */
  constructor(nodes) {
    this.#nodes = nodes;
  }

  /** Whether there are other addresses to try. */
  get hasty() {
    return this.#nodes.urls.length > 1;
  }

  /** The deadline for the answer to `hello`, in ms. */
  get helloMs() {
    return this.hasty ? Math.min(HELLO_MS, HASTY_HELLO_MS * this.patience) : HELLO_MS;
  }

  /**
   * How long to wait before reconnecting, in ms. `lasted`: ms since `hello` at `url`, or null if it was not answered.
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
      if (nodes.more) return 0; // others are untried
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
      this.#hurried += 1; // another node is up; bounded, in case all are shutting down
      return Math.random() * JITTER_MS;
    }
    return this.#backOff() + waitMs;
  }

  /** If all nodes are slow, switching quickly would only slow them further. */
  #bePatient() {
    this.patience = Math.min(MOST_PATIENCE, 2 * this.patience);
  }

  /** Exponential back-off with full jitter: it spreads many clients with the fewest attempts. */
  #backOff() {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries);
    this.#tries += 1;
    return Math.random() * most;
  }
}
