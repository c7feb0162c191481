// The trades of each good that this page has seen, and figures made of them.

const MOST = 5_000;

export class Tapes {
  #tapes = new Map();

  /** `own`, if there is a player, knows which of the trades in the state are theirs. */
  constructor(game, own = null) {
    this.game = game;
    const reset = () => {
      for (const [good, fields] of Object.entries(game.state.goods)) {
        const known = this.#tapes.get(good) ?? [];
        const newest = known.at(-1)?.[0] ?? -1;
        // skip known trades; several trades may share a millisecond
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
    game.on("fills", ({ fills, at }) => {
      for (const { good, side, price, qty } of fills) {
        const mine = this.#tapes
          .get(good)
          .findLast((trade) => trade[0] === at && trade[1] === price && trade[2] === qty && !trade[4] && !trade[5]);
        if (mine !== undefined) mine[side === "bid" ? 4 : 5] = own?.player;
      }
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
