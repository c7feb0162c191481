// A bounded queue of frames for one reader.

/** @import * as T from "../../tradegame.d.ts" */

const STREAM_FRAMES = 1_000;

/**
 * One reader's frames. At most 1 000 are queued; then a reset frame replaces them.
 * @implements {AsyncIterableIterator<T.Frame | T.ResetFrame>}
 */
export class EventStream {
  /** @type {(T.Frame | T.ResetFrame)[]} */
  #frames = [];
  /** @type {((result: IteratorResult<T.Frame | T.ResetFrame, undefined>) => void)[]} */
  #readers = [];
  #over = false;
  #forget;

  /** @param {() => void} forget */
  constructor(forget) {
    this.#forget = forget;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<T.Frame | T.ResetFrame, undefined>>} */
  next() {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve({ value: frame, done: false });
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** @returns {Promise<IteratorResult<T.Frame | T.ResetFrame, undefined>>} */
  return() {
    this.#frames = [];
    this._end();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** @param {T.Frame} frame @param {() => T.ResetFrame} reset */
  _put(frame, reset) {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: frame, done: false });
    else if (this.#frames.length < STREAM_FRAMES) this.#frames.push(frame);
    else this.#frames = [reset()];
  }

  /** Drops the queue: the state was replaced as a whole. @param {T.ResetFrame} reset */
  _reset(reset) {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: reset, done: false });
    else this.#frames = [reset];
  }

  _end() {
    this.#over = true;
    this.#forget();
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }
}
