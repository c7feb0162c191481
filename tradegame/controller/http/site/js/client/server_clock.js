// The server's clock.

/** How many answers give a good estimate. Asked a second apart, then once a minute, and again after a clock was set. */
const SAMPLES = 4;
const RENEW_TICKS = 60;
/** If the machine's clock and its timer drift apart by more, one was set, or stood still while the machine slept. */
const JUMP_MS = 250;

/**
 * The server's clock, kept on this machine's timer, which nobody can set.
 *
 * The server's answer to `ping` was given between sending and receiving, which bounds the offset of the two clocks. The
 * bounds of all answers together are tighter than those of any one, and a late answer does no harm. If an answer
 * contradicts the earlier ones, a clock was set or the timer stood still, and the newest counts.
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

  /** Call when sending `ping`. Call the function it returns with the answer's `at`, or undefined if there is none. */
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

  /** Asks for more answers. */
  doubt() {
    this.#wanted = SAMPLES;
  }

  /** Call once a second. Returns whether to ask. */
  tick() {
    const apart = Date.now() - performance.now();
    if (Math.abs(apart - this.#apart) > JUMP_MS) this.doubt();
    this.#apart = apart;
    this.#ticks += 1;
    return this.#asking === 0 && (this.#wanted > 0 || this.#ticks >= RENEW_TICKS);
  }
}
