// How events change a game's state.

/** @import * as T from "../../tradegame.d.ts" */

import { KEPT } from "./vocabulary.js";

/**
 * Applies an event to the state. The result equals the server's state.
 * @param {T.State} state
 * @param {T.Event} event
 * @param {number} at
 */
export function fold(state, event, at) {
  switch (event.type) {
    case "trade": {
      const good = state.goods[event.good];
      good.last = event.price;
      good.volume += event.qty;
      keep(good.recent, [at, event.price, event.qty], KEPT.recent);
      break;
    }
    case "book":
      Object.assign(state.goods[event.good], { bids: event.bids, asks: event.asks });
      break;
    case "mark":
      Object.assign(state.goods[event.good], { mark: event.mark, mark_source: event.mark_source });
      break;
    case "joined":
      state.players[event.player] = event.robot ? { name: event.name, robot: true } : { name: event.name };
      break;
    case "removed":
      delete state.players[event.player];
      if (state.winners)
        won(
          state,
          state.winners.filter((player) => player !== event.player),
        );
      break;
    case "seat": {
      const player = state.players[event.player];
      delete player.stand_in;
      if (event.stand_in) player.stand_in = true;
      break;
    }
    case "said":
      keep(state.messages, { player: event.player, text: event.text, at, number: event.number }, KEPT.messages);
      break;
    case "unsaid":
      state.messages = state.messages.filter(({ number }) => number !== event.number);
      break;
    case "access":
      // As in a state, what is usual is left out.
      delete state.locked;
      delete state.chat;
      delete state.reports;
      if (event.locked) state.locked = true;
      if (!event.chat) state.chat = false;
      if (event.reports) state.reports = true;
      break;
    case "round":
      // Prices, volume and recent trades belong to the game, not to the round: they continue.
      Object.assign(state, { phase: event.phase, round: event.round, ends_at: event.ends_at });
      if (event.opened_at !== undefined) state.opened_at = event.opened_at;
      state.settled = event.settled ?? {};
      delete state.treatment;
      delete state.over;
      if (event.treatment) state.treatment = event.treatment;
      if (event.over) state.over = true;
      won(state, event.winners ?? []);
      break;
    case "revealed":
      won(state, event.winners ?? []);
      break;
    case "clock":
      state.ends_at = event.ends_at;
      delete state.paused_at;
      if (event.paused_at !== undefined) state.paused_at = event.paused_at;
      break;
    case "news":
      state.news ??= [];
      keep(state.news, { text: event.text, good: event.good ?? null, at }, KEPT.news);
      break;
  }
}

/**
 * @param {T.State} state
 * @param {string[]} winners
 */
function won(state, winners) {
  delete state.winners;
  if (winners.length > 0) state.winners = winners;
}

/**
 * @template Item
 * @param {Item[]} list
 * @param {Item} item
 * @param {number} most
 */
function keep(list, item, most) {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}
