// A game's public state, kept up to date from `state` and the events after it, as any client would.

const KEPT = 256;

export class Mirror {
  /** From a join's reply that holds a state. */
  constructor({ game, epoch, seq, state }) {
    this.game = game;
    this.epoch = epoch;
    this.seq = seq;
    this.state = structuredClone(state);
    this.history = new Map([[seq, structuredClone(state)]]);
  }

  /** Applies one frame; throws when it is not the very next one. */
  apply({ epoch, seq, at, events }) {
    if (epoch !== this.epoch) throw new Error(`a frame of epoch ${epoch}, joined in ${this.epoch}`);
    if (seq !== this.seq + 1) throw new Error(`${this.game}: frame ${seq} after ${this.seq}`);
    this.seq = seq;
    for (const event of events) this.#change(event, at);
    this.history.set(seq, structuredClone(this.state));
    this.history.delete(seq - KEPT);
  }

  #change(event, at) {
    const { goods, players, messages } = this.state;
    switch (event.type) {
      case "joined":
        players[event.player] = event.robot ? { name: event.name, robot: true } : { name: event.name };
        break;
      case "trade": {
        const good = goods[event.good];
        good.last = event.price;
        good.volume += event.qty;
        good.recent.push([at, event.price, event.qty]);
        if (good.recent.length > 200) good.recent.shift();
        break;
      }
      case "book":
        goods[event.good].bids = event.bids;
        goods[event.good].asks = event.asks;
        break;
      case "said":
        messages.push({ player: event.player, text: event.text, at, number: event.number });
        if (messages.length > 50) messages.shift();
        break;
      case "mark":
        goods[event.good].mark = event.mark;
        goods[event.good].mark_source = event.mark_source;
        break;
      case "removed":
        delete players[event.player];
        if (this.state.winners) this.#won(this.state.winners.filter((player) => player !== event.player));
        break;
      case "seat":
        delete players[event.player].stand_in;
        if (event.stand_in) players[event.player].stand_in = true;
        break;
      case "unsaid":
        this.state.messages = messages.filter(({ number }) => number !== event.number);
        break;
      case "access":
        delete this.state.locked;
        delete this.state.chat;
        delete this.state.reports;
        if (event.locked) this.state.locked = true;
        if (!event.chat) this.state.chat = false;
        if (event.reports) this.state.reports = true;
        break;
      case "clock":
        this.state.ends_at = event.ends_at;
        delete this.state.paused_at;
        if ("paused_at" in event) this.state.paused_at = event.paused_at;
        break;
      case "round":
        this.state.phase = event.phase;
        this.state.round = event.round;
        this.state.ends_at = event.ends_at;
        if (event.opened_at !== undefined) this.state.opened_at = event.opened_at;
        this.state.settled = event.settled ?? {};
        delete this.state.treatment;
        delete this.state.over;
        if ("treatment" in event) this.state.treatment = event.treatment;
        if ("over" in event) this.state.over = event.over;
        this.#won(event.winners ?? []);
        break;
      case "revealed":
        this.#won(event.winners ?? []);
        break;
      case "news":
        this.state.news.push({ text: event.text, good: event.good ?? null, at });
        if (this.state.news.length > 20) this.state.news.shift();
        break;
    }
  }

  #won(winners) {
    delete this.state.winners;
    if (winners.length > 0) this.state.winners = winners;
  }
}
