// Events and their listeners.

/** Something that listeners can be added to. */
export class Emitter {
  /** @type {Map<string, Set<(...details: any[]) => unknown>>} */
  #listeners = new Map();

  /**
   * Calls `listener` at each event of that type. Returns a function that removes it.
   * @param {string} type
   * @param {(...details: any[]) => unknown} listener
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * A listener that throws or rejects affects neither the others nor the connection.
   * @param {string} type
   * @param {any[]} details
   */
  _emit(type, ...details) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        const result = listener(...details);
        if (result instanceof Promise) result.catch((error) => console.error(error));
      } catch (error) {
        console.error(error);
      }
    }
  }
}
