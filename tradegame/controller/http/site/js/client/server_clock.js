// The server's time.

/** So many answers tell the time well. They are asked for a second apart, and again every minute, and when a clock was set. */
const SAMPLES = 4;
const RENEW_TICKS = 60;
/** When the machine's clock and its timer part by more, one of them was set, or stood still while the machine slept. */
const JUMP_MS = 250;

/**
 * The server's time, on this machine's timer, which nobody can set.
 *
 * An answer to `ping` was given between the question and its coming: so it says between which bounds the two clocks are
 * apart. What all answers say together is closer than any of them, and one that is late spoils nothing. An answer that
 * contradicts those before it is newer: a clock was set, or the timer stood still.
 */
export class ServerClock {
  #low = -Infinity;
  #high = Infinity;
  #wanted = SAMPLES;
  #ticks = 0;
  #asking = 0;
  #apart = Date.now() - performance.now();

  now() {
    const known = Number.isFinite(this.#low);
    return known ? Math.round(performance.now() + (this.#low + this.#high) / 2) : Date.now();
  }

  /** Called when `ping` is sent; what it returns, with the answer's `at`, or undefined when there is none. */
  ask() {
    this.#asking += 1;
    this.#ticks = 0;
    const asked = performance.now();
    return (/** @type {unknown} */ at) => {
      this.#asking -= 1;
      if (typeof at !== "number") return;
      this.#wanted -= 1;
      const [low, high] = [at - performance.now(), at + 1 - asked];
      if (low > this.#high || high < this.#low) {
        [this.#low, this.#high] = [low, high];
        this.doubt();
      } else {
        [this.#low, this.#high] = [Math.max(low, this.#low), Math.min(high, this.#high)];
      }
    };
  }

  /** More answers are wanted. */
  doubt() {
    this.#wanted = SAMPLES;
  }

  /** Once a second: whether to ask. */
  tick() {
    const apart = Date.now() - performance.now();
    if (Math.abs(apart - this.#apart) > JUMP_MS) this.doubt();
    this.#apart = apart;
    this.#ticks += 1;
    return this.#asking === 0 && (this.#wanted > 0 || this.#ticks >= RENEW_TICKS);
  }
}
