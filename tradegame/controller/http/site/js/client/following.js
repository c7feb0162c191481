// The games that a client follows.

/** @import { Client } from "./client.js" */
/** @import { Link } from "./link.js" */
/** @import { Requests } from "./requests.js" */

import { TradeError } from "./errors.js";
import { Game } from "./game.js";
import { CLOSE, NOT_TAKEN_IN } from "./vocabulary.js";

/** After more consecutive gaps than this, the client reconnects. */
const GAPS = 5;

/** @typedef {{deadlineMs: number, unsentMs: number}} Patience */

/** @typedef {{spectate: boolean, cancelOnDisconnect: boolean | undefined, key: string | undefined}} Choices */

/** Joins games, leaves them, and resumes them on each new connection. */
export class Following {
  /** Games not yet resumed on this connection.
   * @type {Set<Game>} */
  #behind = new Set();
  /** @type {Map<string, Promise<Game>>} */
  #joining = new Map();
  #client;
  #games;
  #requests;
  #on;

  /**
   * `link` returns the current socket once `hello` is answered, else null.
   * @param {Client} client
   * @param {Map<string, Game>} games
   * @param {Requests} requests
   * @param {{link: () => Link | null, caughtUp: () => void, delayed: (error: TradeError) => void}} on
   */
  constructor(client, games, requests, on) {
    this.#client = client;
    this.#games = games;
    this.#requests = requests;
    this.#on = on;
  }

  /** How many games are not yet resumed on this connection. */
  get behind() {
    return this.#behind.size;
  }

  /** Joins all games again on a new connection. */
  resume() {
    this.#behind = new Set(this.#games.values());
    for (const game of this.#behind) this.#follow(game);
  }

  /**
   * Joins a game. Joins of the same game run one after another.
   * @param {string} id
   * @param {Choices} options
   * @param {Patience} most
   * @returns {Promise<Game>}
   */
  join(id, options, most) {
    const turn = () => this.#join(id, options, most);
    const before = this.#joining.get(id);
    const joining = (before === undefined ? turn() : before.then(turn, turn)).finally(() => {
      if (this.#joining.get(id) === joining) this.#joining.delete(id);
    });
    this.#joining.set(id, joining);
    return joining;
  }

  /** @param {string} id @param {Choices} options @param {Patience} most */
  async #join(id, { spectate, cancelOnDisconnect, key }, most) {
    const known = this.#games.get(id);
    const chosen = spectate ? undefined : cancelOnDisconnect;
    if (known && (spectate || !known.spectate) && chosen === undefined) return known;
    const choice = chosen === undefined ? {} : { cancel_on_disconnect: chosen };
    const game = known ?? new Game(this.#client, id, spectate, this.#requests.told);
    if (chosen !== undefined) game._toChoose = false;
    try {
      // Without `after`, even if it is already watched: the answer then contains the whole state.
      await this.#requests.ask("join", { game: id, ...(spectate ? { spectate } : {}), ...choice, key }, most, (ok) => {
        // Here rather than after the await: the next frames may already be queued behind this answer.
        if (game.ended) return;
        game.spectate = spectate;
        game._joined(ok);
        this.#games.set(id, game);
        this.#caughtUp(game);
      });
    } catch (error) {
      if (known === undefined) this.#unfollow(id); // the server may have joined it, or may be about to
      throw error;
    }
    if (!game.ended) return game;
    this.#unfollow(id);
    throw new TradeError({ code: "closed", message: "the game was left while joining" });
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
   * Ends the game's frames on this connection. The next connection does not ask for them.
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
   * Joins a game again on this connection, from the last frame seen.
   * @param {Game} game
   */
  #follow(game) {
    const link = this.#on.link();
    if (link === null || this.#games.get(game.id) !== game) return;
    this.#requests.put("join", game._resuming(), (ok, error) => {
      if (this.#on.link() !== link || this.#games.get(game.id) !== game) return;
      if (error === null) {
        game._joined(ok);
        if (game._toChoose) this.#follow(game);
        else this.#caughtUp(game);
      } else if (!error.definite || NOT_TAKEN_IN.has(error.code)) {
        this.#on.delayed(error);
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
    if (data.push === "device") return this.#games.forEach((each) => each._emit("device", data));
    const game = this.#games.get(data.game);
    if (game === undefined) return; // just left
    if (data.push === "gone") {
      // Either deleted, or stopped on this node only: joining again tells which.
      if (data.epoch === game.epoch) link.after(Math.random() * 1_000, () => this.#follow(game));
    } else if (!game._push(data)) {
      if (game._gaps > GAPS) link.end(CLOSE.LOST, "frames keep missing");
      else this.#follow(game);
    }
  }
}
