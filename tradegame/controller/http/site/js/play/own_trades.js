// The player's own trades: what the server still knows of this round, and what this browser has seen.

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
 * A player's trades in one epoch of a game, newest first, at most 200: the fills of the protocol, and as `other` who
 * the other party was, which only the public trade tells. Kept for the last four games played here.
 */
export class OwnTrades {
  trades = [];
  /** Whether what this browser does not know happened while nobody looked: else it has never been here. */
  #knew;
  #game;
  #of;
  #saving;
  #listeners = [];
  /** Other parties, by the trade's number, of fills that are still to come. */
  #others = new Map();

  constructor(game, player) {
    this.#game = game;
    this.#of = { game: game.id, epoch: game.epoch, player };
    const kept = stored().find((each) => this.#is(each))?.trades;
    this.#knew = Array.isArray(kept);
    if (this.#knew)
      this.trades = kept
        .filter((fill) => typeof fill?.trade === "number" && fill.good in game.state.goods)
        .slice(0, TRADES);
    game.on("trade", ({ number, buyer, seller }) => {
      if (buyer === player) this.#name(number, seller);
      else if (seller === player) this.#name(number, buyer);
    });
    game.on("fills", ({ fills }) => this.#add(fills, "now"));
    for (const type of ["reset", "resumed"]) game.on(type, () => this.#catchUp());
    this.#catchUp();
    addEventListener("pagehide", () => this.#saving !== undefined && this.#save());
  }

  /**
   * Calls `listener` with trades that are new here, oldest first, and with when they happened: `now`, `away` while this
   * page was not there, or `before` this browser knew of the game.
   */
  onadd(listener) {
    this.#listeners.push(listener);
  }

  /** The trades of one good, oldest first. */
  of(good) {
    return this.trades.filter((fill) => fill.good === good).reverse();
  }

  /** What happened while this page was not there, the server tells when it is asked. */
  #catchUp() {
    this.#game.fills().then(
      (fills) => {
        this.#add(fills, this.#knew ? "away" : "before");
        if (!this.#knew) this.#save();
        this.#knew = true;
      },
      () => {}, // asked again after the next reconnect
    );
  }

  #add(fills, when) {
    const known = new Set(this.trades.map(({ trade }) => trade));
    const fresh = fills.filter(({ trade }) => !known.has(trade));
    if (!fresh.length) return;
    for (const fill of fresh) {
      this.trades.push({ ...fill, other: this.#others.get(fill.trade) });
      this.#others.delete(fill.trade);
    }
    this.trades.sort((one, other) => other.trade - one.trade);
    this.trades.length = Math.min(this.trades.length, TRADES);
    this.#saving ??= setTimeout(() => this.#save(), PAUSE_MS);
    for (const listener of this.#listeners) listener(fresh, when);
  }

  #name(number, other) {
    const known = this.trades.find(({ trade }) => trade === number);
    if (known) known.other = other;
    else this.#others.set(number, other);
    if (this.#others.size > TRADES) this.#others.delete(this.#others.keys().next().value);
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
