// The games that a client follows.

/** @import { Client } from "./client.js" */
/** @import { Link } from "./link.js" */
/** @import { Requests } from "./requests.js" */

import { TradeError } from "./errors.js";
import { Game } from "./game.js";
import { CLOSE, NOT_TAKEN_IN } from "./vocabulary.js";

/** After more gaps in a row than this, with no good frame between them, the connection is given up. */
const GAPS = 5;

/** @typedef {{deadlineMs: number, unsentMs: number}} Patience */

/** Joins games, leaves them, and resumes them on each new connection. */
export class Following {
  /** Games that this connection has not resumed yet.
   * @type {Set<Game>} */
  #behind = new Set();
  /** @type {Map<string, Promise<Game>>} */
  #joining = new Map();
  #client;
  #games;
  #requests;
  #on;

  /**
   * `link` gives the present connection once it was greeted, else null.
   * @param {Client} client
   * @param {Map<string, Game>} games
   * @param {Requests} requests
   * @param {{link: () => Link | null, caughtUp: () => void, delayed: (reason: string) => void}} on
   */
  constructor(client, games, requests, on) {
    this.#client = client;
    this.#games = games;
    this.#requests = requests;
    this.#on = on;
  }

  /** How many games this connection has not resumed yet. */
  get behind() {
    return this.#behind.size;
  }

  /** A new connection was greeted: join all games again. */
  resume() {
    this.#behind = new Set(this.#games.values());
    for (const game of this.#behind) this.#follow(game);
  }

  /**
   * One join of a game at a time.
   * @param {string} id
   * @param {{spectate: boolean, key: string | undefined}} options
   * @param {Patience} most
   * @returns {Promise<Game>}
   */
  join(id, { spectate, key }, most) {
    const turn = () => this.#join(id, spectate, key, most);
    const before = this.#joining.get(id);
    const joining = (before === undefined ? turn() : before.then(turn, turn)).finally(() => {
      if (this.#joining.get(id) === joining) this.#joining.delete(id);
    });
    this.#joining.set(id, joining);
    return joining;
  }

  /** @param {string} id @param {boolean} spectate @param {string | undefined} key @param {Patience} most */
  async #join(id, spectate, key, most) {
    const known = this.#games.get(id);
    if (known && (spectate || !known.spectate)) return known;
    const game = known ?? new Game(this.#client, id, spectate);
    try {
      // Without `after`, even when it is watched already: the answer then holds all there is to know.
      await this.#requests.ask("join", { game: id, ...(spectate ? { spectate } : {}), key }, most, (ok) => {
        // Here and not after the await: the frames behind this answer may come in the same breath.
        if (game.ended) return;
        game.spectate = spectate;
        game._joined(ok);
        this.#games.set(id, game);
        this.#caughtUp(game);
      });
    } catch (error) {
      if (known === undefined) this.#unfollow(id); // should the server have it, or be about to
      throw error;
    }
    if (!game.ended) return game;
    this.#unfollow(id);
    throw new TradeError({ code: "closed", message: "the game was left meanwhile" });
  }

  /** @param {Game} game @returns {Promise<void>} */
  leave(game) {
    const followed = this.#games.get(game.id) === game;
    game._end();
    if (!followed) return Promise.resolve();
    this.#games.delete(game.id);
    this.#caughtUp(game);
    return this.#unfollow(game.id);
  }

  /**
   * No more news of it on this connection; the next one has none anyway.
   * @param {string} id
   * @returns {Promise<void>}
   */
  #unfollow(id) {
    const link = this.#on.link();
    if (link === null) return Promise.resolve();
    return new Promise((resolve) => {
      const again = () => (this.#games.has(id) || this.#joining.has(id) ? resolve() : leave());
      const leave = () =>
        this.#requests.put("leave", { game: id }, (_, error) => {
          if (error === null || !NOT_TAKEN_IN.has(error.code)) resolve();
          else link.after((error.retryAfterMs ?? 0) + 100, again, resolve);
        });
      leave();
    });
  }

  /**
   * Joins a game again on this connection, after the last frame that was seen.
   * @param {Game} game
   */
  #follow(game) {
    const link = this.#on.link();
    if (link === null || this.#games.get(game.id) !== game) return;
    this.#requests.put("join", game._resuming(), (ok, error) => {
      if (this.#on.link() !== link || this.#games.get(game.id) !== game) return;
      if (error === null) {
        game._joined(ok);
        this.#caughtUp(game);
      } else if (!error.definite || NOT_TAKEN_IN.has(error.code)) {
        this.#on.delayed(error.message);
        link.after((error.retryAfterMs ?? 0) + 100 + Math.random() * 1_000, () => this.#follow(game));
      } else {
        this.#games.delete(game.id);
        game._emit("gone", error);
        game._end();
        this.#caughtUp(game);
      }
    });
  }

  /** @param {Game} game */
  #caughtUp(game) {
    this.#behind.delete(game);
    this.#on.caughtUp();
  }

  /** @param {Link} link @param {any} data */
  push(link, data) {
    const game = this.#games.get(data.game);
    if (game === undefined) return; // left a moment ago
    if (data.push === "gone") {
      // Deleted, or only stopped on this node? The answer to a join tells.
      if (data.epoch === game.epoch) link.after(Math.random() * 1_000, () => this.#follow(game));
    } else if (!game._push(data)) {
      if (game._gaps > GAPS) link.end(CLOSE.LOST, "frames are missing again and again");
      else this.#follow(game);
    }
  }
}
