// Every trade that this page has seen of each good, as far back as it is kept, and the figures made of them.

const MOST = 5_000;

export class Tapes {
  #tapes = new Map();

  /** `own`, where there is a player: knows which of the trades in the state are theirs. */
  constructor(game, own = null) {
    this.game = game;
    const reset = () => {
      for (const [good, fields] of Object.entries(game.state.goods)) {
        const known = this.#tapes.get(good) ?? [];
        const newest = known.at(-1)?.[0] ?? -1;
        // what is told again is known already; of several trades in one ms none is taken twice
        const found = own?.finder(good);
        const fresh = fields.recent.filter(([at]) => at > newest).map((trade) => found?.(trade) ?? [...trade, ""]);
        this.#tapes.set(good, [...known, ...fresh].slice(-MOST));
      }
    };
    reset();
    game.on("reset", reset);
    game.on("trade", (trade, frame) => {
      const tape = this.#tapes.get(trade.good);
      tape.push([frame.at, trade.price, trade.qty, trade.taker, trade.buyer, trade.seller]);
      if (tape.length > MOST) tape.splice(0, MOST / 10);
    });
  }

  of(good) {
    return this.#tapes.get(good) ?? [];
  }

  /** Those of this round. */
  round(good) {
    const tape = this.of(good);
    return tape.slice(this.#opening(tape));
  }

  /** The last price against the first of this round that is known, as a ratio. */
  change(good) {
    const tape = this.of(good);
    const first = tape[this.#opening(tape)];
    return first === undefined ? null : tape.at(-1)[1] / first[1] - 1;
  }

  /** Where this round begins: trades stand in order of time. */
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
