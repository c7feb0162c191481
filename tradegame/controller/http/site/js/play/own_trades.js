// The player's own trades. The state does not tell who traded, so the browser keeps those it has seen.

import { recall, remember } from "../common/storage.js";

const KEY = "tradegame.trades";
const TRADES = 200;
const GAMES = 4;
const PAUSE_MS = 1_000;

function stored() {
  try {
    const found = JSON.parse(recall("localStorage", KEY) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/**
 * Calls `listener` with a player's own trades of a frame, oldest first, and its time. In an anonymous game only the
 * player's side is named.
 */
export function onOwnTrades(game, player, listener) {
  game.on("events", ({ events, at }) => {
    const mine = events.filter(
      ({ type, buyer, seller }) => type === "trade" && (buyer === player || seller === player),
    );
    if (mine.length) listener(mine, at);
  });
  game.on("fills", ({ fills, at }) => {
    const named = ({ side, ...fill }) => ({ ...fill, [side === "bid" ? "buyer" : "seller"]: player });
    listener(fills.map(named), at);
  });
}

/** A player's trades in one epoch of a game, newest first, at most 200. Kept for the last four games played here. */
export class OwnTrades {
  trades = [];
  #of;
  #saving;

  constructor(game, player) {
    this.#of = { game: game.id, epoch: game.epoch, player };
    const kept = stored().find((each) => this.#is(each))?.trades;
    if (Array.isArray(kept))
      this.trades = kept
        .filter((trade) => typeof trade?.at === "number" && trade.good in game.state.goods)
        .slice(0, TRADES);
    addEventListener("pagehide", () => this.#saving !== undefined && this.#save());
  }

  get player() {
    return this.#of.player;
  }

  /** Adds the trades of one frame, oldest first. */
  add(trades, at) {
    this.trades.unshift(
      ...trades
        .map(({ good, price, qty, buyer, seller, taker }) => ({ good, price, qty, buyer, seller, taker, at }))
        .reverse(),
    );
    this.trades.length = Math.min(this.trades.length, TRADES);
    this.#saving ??= setTimeout(() => this.#save(), PAUSE_MS);
  }

  /**
   * A function that looks up a trade of the public tape, each once: `[at, price, qty, taker, buyer, seller]`, or
   * undefined if it was not the player's.
   */
  finder(good) {
    const left = this.trades.filter((trade) => trade.good === good);
    return ([at, price, qty]) => {
      const index = left.findIndex((trade) => trade.at === at && trade.price === price && trade.qty === qty);
      if (index < 0) return undefined;
      const [{ taker, buyer, seller }] = left.splice(index, 1);
      return [at, price, qty, taker, buyer, seller];
    };
  }

  #is({ game, epoch, player }) {
    return game === this.#of.game && epoch === this.#of.epoch && player === this.#of.player;
  }

  #save() {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const others = stored().filter((each) => !this.#is(each));
    remember("localStorage", KEY, JSON.stringify([{ ...this.#of, trades: this.trades }, ...others].slice(0, GAMES)));
  }
}
