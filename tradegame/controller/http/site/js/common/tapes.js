// Every trade that this page has seen of each good, as far back as it is kept, and the figures made of them.

const MOST = 5_000;

export class Tapes {
  #tapes = new Map();

  constructor(game) {
    this.game = game;
    const reset = () => {
      for (const [good, fields] of Object.entries(game.state.goods)) {
        const known = this.#tapes.get(good) ?? [];
        const newest = known.at(-1)?.[0] ?? -1;
        // what is told again is known already; of several trades in one ms none is taken twice
        const fresh = fields.recent.filter(([at]) => at > newest).map((trade) => [...trade, ""]);
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

  /** The last price against the first of this round that is known, as a ratio. */
  change(good) {
    const opened = this.game.state.opened_at ?? 0;
    const tape = this.of(good);
    const first = tape.find(([at]) => at >= opened);
    const { last } = this.game.state.goods[good];
    return first === undefined || last === null ? null : last / first[1] - 1;
  }
}
