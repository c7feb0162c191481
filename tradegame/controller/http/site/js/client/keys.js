// Keys of commands, and what tells late copies of a command from new ones.

/** A random key. A command sent again with the same key happens once. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** So many keys of commands that ended in doubt are known by their text, the newest. */
const DOUBTS = 1_000;

/** The highest `keys` that this client was told, for the present epoch of each game. */
export class Told {
  /** @type {Map<string, {since: number, epoch: string}>} */
  #games = new Map();
  /** @type {Map<string, {since?: number, epoch?: string}>} */
  #doubts = new Map();

  /**
   * What a command says that is made now: nothing, if the server told nothing.
   * @param {string} game
   * @returns {{since?: number, epoch?: string}}
   */
  now(game) {
    return { ...this.#games.get(game) };
  }

  /**
   * An account was shown. What was told for another epoch is over.
   * @param {string} game @param {string} epoch @param {unknown} keys
   */
  joined(game, epoch, keys) {
    const known = this.#games.get(game);
    if (typeof keys !== "number") this.#games.delete(game);
    else this.#games.set(game, { since: Math.max(keys, known?.epoch === epoch ? known.since : 0), epoch });
  }

  /**
   * A command of that epoch was answered. If the store went back, less than before is true now.
   * @param {string} game @param {string | undefined} epoch @param {unknown} keys @param {boolean} wentBack
   */
  answered(game, epoch, keys, wentBack) {
    const known = this.#games.get(game);
    if (typeof keys !== "number" || known === undefined || known.epoch !== epoch) return;
    known.since = wentBack ? keys : Math.max(keys, known.since);
  }

  /**
   * A command ends in doubt: it may be sent again by the text of its key.
   * @param {{game: string, key: string | null, since?: number, epoch?: string}} request
   */
  doubt({ game, key, since, epoch }) {
    this.#doubts.delete(`${game}/${key}`);
    this.#doubts.set(`${game}/${key}`, { since, epoch });
    for (const oldest of this.#doubts.keys()) if (this.#doubts.size > DOUBTS) this.#doubts.delete(oldest);
  }

  /** What the copies of a command in doubt say. @param {string} game @param {string} key */
  known(game, key) {
    return this.#doubts.get(`${game}/${key}`) ?? {};
  }

  /** The epoch is over. @param {string} game */
  over(game) {
    this.#games.delete(game);
  }
}
