// The trades of each good that this page has seen, and figures made of them.

const MOST = 5_000;

export class Tapes {
  #tapes = new Map();

  constructor(game) {
    this.game = game;
    const reset = () => {
      for (const [good, fields] of Object.entries(game.state.goods)) {
        const known = this.#tapes.get(good) ?? [];
        const newest = known.at(-1)?.[0] ?? -1;
        // skip known trades; several trades may share a millisecond
        const fresh = fields.recent.filter(([at]) => at > newest);
        this.#tapes.set(good, [...known, ...fresh].slice(-MOST));
      }
    };
    reset();
    game.on("reset", reset);
    game.on("trade", (trade, frame) => {
      const tape = this.#tapes.get(trade.good);
      tape.push([frame.at, trade.price, trade.qty, trade.taker]);
      if (tape.length > MOST) tape.splice(0, MOST / 10);
    });
  }

  of(good) {
    return this.#tapes.get(good) ?? [];
  }

  /** The trades of this round. */
  round(good) {
    const tape = this.of(good);
    return tape.slice(this.#opening(tape));
  }

  /** The change from this round's first known price to the last, as a ratio; null without a trade. */
  change(good) {
    const tape = this.of(good);
    const first = tape[this.#opening(tape)];
    return first === undefined ? null : tape.at(-1)[1] / first[1] - 1;
  }

  /** The index of this round's first trade, by binary search. */
  #opening(tape) {
    const opened = this.game.state.opened_at ?? 0;
    let [low, high] = [0, tape.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tape[middle][0] < opened) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
