// Generated from tradegame/protocol by `make client`. Do not edit.

/** @import * as T from "../../tradegame.d.ts" */

import { Emitter } from "./emitter.js";

/** The commands that take a `key`, but for `join`. */
export const COMMANDS = new Set(["buy", "sell", "order", "amend", "cancel", "cancel_all", "say", "ready"]);

/** A method for each command. */
export class Commands extends Emitter {
  /** @param {string} _op @param {Record<string, unknown>} _fields @returns {Promise<any>} */
  _request(_op, _fields) {
    throw new Error("made by Game");
  }

  /**
   * Buy now, up to `qty` units, from the cheapest ask up, none dearer than `limit`.
   *
   * What is not there is not bought: `filled` may be less than `qty`, and at most 100 orders are met. `fill_or_kill`:
   * all of `qty`, or nothing. Refused with `no_liquidity`, `insufficient_cash`, `not_open` or `unknown_good`; with
   * `fill_or_kill` also with `insufficient_liquidity` or `too_many_fills`.
   * @param {string} good
   * @param {number} qty
   * @param {{ limit?: number | null; fill_or_kill?: boolean } & T.Copy} [options]
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
   * @param {{ limit?: number | null; fill_or_kill?: boolean } & T.Copy} [options]
   * @returns {Promise<T.Sold>}
   */
  sell(good, qty, options = {}) {
    return this._request("sell", { good, qty, ...options });
  }

  /**
   * A limit order: what does not trade at once rests at `price`, and what it needs is held.
   *
   * `post_only`: only if all of it rests. Refused with `insufficient_cash`, `insufficient_goods`, `too_many_orders`,
   * `too_many_fills`, `not_open` or `unknown_good`; with `post_only` also with `would_trade`.
   * @param {string} good
   * @param {T.Side} side
   * @param {number} qty
   * @param {number} price
   * @param {{ post_only?: boolean } & T.Copy} [options]
   * @returns {Promise<T.Ordered>}
   */
  order(good, side, qty, price, options = {}) {
    return this._request("order", { good, side, qty, price, ...options });
  }

  /**
   * Change a resting order, so that `qty` units of it are open, at `price`; what is left out stays.
   *
   * One of the two must be there. If the price stays and no unit is added, the order keeps its id and its place in the
   * queue, and what it no longer needs is released. Otherwise a new order takes its place, with an id of its own, as if
   * by `order`: it may trade at once, unless it is `post_only`. Refused as `cancel` and `order` are, and then the old
   * order stays as it was.
   * @param {string} order
   * @param {{ qty?: number | null; price?: number | null; post_only?: boolean } & T.Copy} [options]
   * @returns {Promise<T.Ordered>}
   */
  amend(order, options = {}) {
    return this._request("amend", { order, ...options });
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
   * Take all your resting orders out of the book, or those in one `good`, or on one `side`, or both.
   *
   * Where none is open, nothing happens, and `cancelled` is 0. Refused with `not_open` or `unknown_good`.
   * @param {{ good?: string | null; side?: T.Side | null } & T.Copy} [options]
   * @returns {Promise<T.AllCancelled>}
   */
  cancel_all(options = {}) {
    return this._request("cancel_all", { ...options });
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

  /**
   * Say that you are ready, with `answers` to the quiz where the game has one.
   *
   * What is not answered is wrong. The host sees who is ready, and how many answers were right in the best attempt.
   * @param {{ answers?: number[] | null } & T.Copy} [options]
   * @returns {Promise<T.Readied>}
   */
  ready(options = {}) {
    return this._request("ready", { ...options });
  }
}
