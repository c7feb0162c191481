// Generated from tradegame/protocol by `make client`. Do not edit.

/** @import * as T from "../../tradegame.d.ts" */

import { Emitter } from "./emitter.js";

/** The commands that take a `key`, but for `join`. */
export const COMMANDS = new Set(["buy", "sell", "order", "cancel", "say"]);

/** A method for each command. */
export class Commands extends Emitter {
  /** @param {string} _op @param {Record<string, unknown>} _fields @returns {Promise<any>} */
  _request(_op, _fields) {
    throw new Error("made by Game");
  }

  /**
   * Buy now, up to `qty` units, from the cheapest ask up, none dearer than `limit`.
   *
   * What is not there is not bought: `filled` may be less than `qty`, and at most 100 orders are met. Refused with
   * `no_liquidity`, `insufficient_cash`, `not_open` or `unknown_good`.
   * @param {string} good
   * @param {number} qty
   * @param {{ limit?: number | null } & T.Copy} [options]
   * @returns {Promise<T.Bought>}
   */
  buy(good, qty, options = {}) {
    return this._request("buy", { good, qty, ...options });
  }

  /**
   * Sell now, up to `qty` units, to the dearest bid down, none cheaper than `limit`.
   *
   * As `buy`, but refused with `insufficient_goods` in place of `insufficient_cash`.
   * @param {string} good
   * @param {number} qty
   * @param {{ limit?: number | null } & T.Copy} [options]
   * @returns {Promise<T.Sold>}
   */
  sell(good, qty, options = {}) {
    return this._request("sell", { good, qty, ...options });
  }

  /**
   * A limit order: what does not trade at once rests at `price`, and what it needs is held.
   *
   * Refused with `insufficient_cash`, `insufficient_goods`, `too_many_orders`, `too_many_fills`, `not_open` or
   * `unknown_good`.
   * @param {string} good
   * @param {T.Side} side
   * @param {number} qty
   * @param {number} price
   * @param {T.Copy} [options]
   * @returns {Promise<T.Ordered>}
   */
  order(good, side, qty, price, options = {}) {
    return this._request("order", { good, side, qty, price, ...options });
  }

  /**
   * Take a resting order out of the book, and release what it held.
   *
   * Refused with `unknown_order` if it has traded or is gone, and `became` says which, or with `not_open`.
   * @param {string} order
   * @param {T.Copy} [options]
   * @returns {Promise<T.Cancelled>}
   */
  cancel(order, options = {}) {
    return this._request("cancel", { order, ...options });
  }

  /**
   * Say `text`, of 1 to 500 characters, to everyone in the game, or to the player with the id `to` alone.
   * @param {string} text
   * @param {{ to?: string | null } & T.Copy} [options]
   * @returns {Promise<T.Sent>}
   */
  say(text, options = {}) {
    return this._request("say", { text, ...options });
  }
}
