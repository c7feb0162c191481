// Makes candles of trades. Needs no page.

const MOST = 2_000;
/** The most flat candles in a row. */
const QUIET = 60;

/**
 * Candles of `seconds` each, oldest first, from trades `[at in ms, price, qty]`. A time without trades gets flat
 * candles, at most QUIET of them. `fresh` is how many candles the last trade added.
 */
export class Candles {
  constructor(seconds) {
    this.seconds = seconds;
    this.list = [];
    this.fresh = 0;
  }

  /** Adds a trade and returns the candle it changed. Trades must come in order of time. */
  add([at, price, qty]) {
    const time = Math.floor(at / 1000 / this.seconds) * this.seconds;
    let last = this.list.at(-1);
    this.fresh = 0;
    if (last === undefined || last.time < time) {
      const { close } = last ?? {};
      const from = last === undefined ? time : Math.max(last.time + this.seconds, time - QUIET * this.seconds);
      for (let quiet = from; quiet < time; quiet += this.seconds)
        this.#push({ time: quiet, open: close, high: close, low: close, close, volume: 0 });
      last = { time, open: last?.close ?? price, high: price, low: price, close: price, volume: 0 };
      last.high = Math.max(last.high, last.open);
      last.low = Math.min(last.low, last.open);
      this.#push(last);
    }
    last.high = Math.max(last.high, price);
    last.low = Math.min(last.low, price);
    last.close = price;
    last.volume += qty;
    return last;
  }

  #push(candle) {
    this.list.push(candle);
    this.fresh += 1;
    if (this.list.length > MOST) this.list.shift();
  }
}
