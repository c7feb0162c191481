// Trades into candles. Pure: no page is needed to test it.

const MOST = 2_000;

/** Candles of `seconds`, oldest first, from trades `[at in ms, price, qty]`. Gaps stay gaps. */
export class Candles {
  constructor(seconds) {
    this.seconds = seconds;
    this.list = [];
  }

  /** Takes a trade in and returns the candle that it changed. Trades come in order of time. */
  add([at, price, qty]) {
    const time = Math.floor(at / 1000 / this.seconds) * this.seconds;
    let last = this.list.at(-1);
    if (last === undefined || last.time < time) {
      last = { time, open: last?.close ?? price, high: price, low: price, close: price, volume: 0 };
      last.high = Math.max(last.high, last.open);
      last.low = Math.min(last.low, last.open);
      this.list.push(last);
      if (this.list.length > MOST) this.list.splice(0, this.list.length - MOST);
    }
    last.high = Math.max(last.high, price);
    last.low = Math.min(last.low, price);
    last.close = price;
    last.volume += qty;
    return last;
  }
}
