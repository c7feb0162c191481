// Several games of one definition, as one: their entrance has the people, and all of them have the rounds.

import { h, rows, setAttribute, setText, userText } from "../common/dom.js";
import { coins, span } from "../common/format.js";
import { whileShown } from "../common/repeat.js";
import { roundName } from "../common/terms.js";
import { pieces, t } from "../common/words.js";

/** What a page shows of an entrance: its people, and the market of the first group, with the events of all. */
class Groups {
  constructor(entrance, games) {
    this.entrance = entrance;
    this.games = games;
    const there = new Set(games.map(({ id }) => id));
    /** The names of groups that are not served. */
    this.missing = entrance.state.groups.filter(({ game }) => !there.has(game)).map(({ name }) => name);
  }
  get id() {
    return this.entrance.id;
  }
  get epoch() {
    return this.entrance.epoch;
  }
  get online() {
    return this.entrance.online;
  }
  get state() {
    const { title, about, players, messages, locked, chat, reports, groups } = this.entrance.state;
    const paused = this.games.find(({ state }) => state.paused_at !== undefined)?.state.paused_at;
    const own = { title, about, players, messages, locked, chat, reports, groups, group: undefined };
    return { ...this.games[0].state, paused_at: paused, ...own };
  }
  now() {
    return this.games[0].now();
  }
  on(type, listener) {
    for (const game of [this.entrance, ...this.games]) game.on(type, listener);
  }
}

/** The joined `game`; if it is an entrance, with all its groups as one. */
export async function withGroups(client, game) {
  const { groups } = game.state;
  if (groups === undefined) return game;
  const joined = await Promise.allSettled(groups.map((group) => client.join(group.game, { spectate: true })));
  const games = joined.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  if (games.length === 0) throw joined[0].reason;
  return new Groups(game, games);
}

/** The list of games, in which an entrance stands for its groups, with the phase of the first. `chosen`: an id. */
export function shelved(games, chosen) {
  const phases = new Map(games.map(({ game, phase }) => [game, phase]));
  const family = games.find(({ game }) => game === chosen)?.group?.of ?? chosen;
  return games
    .filter(({ group }) => group === undefined)
    .map((each) => ({
      ...each,
      phase: phases.get(each.groups?.[0].game) ?? each.phase,
      pressed: each.game === family,
    }));
}

/** Stops following a game and its groups, but for `kept` and what may be its groups. */
export function leaveAll(game, kept = null) {
  const all = game.games ? [game.entrance, ...game.games] : [game];
  return Promise.all(
    all.filter(({ id }) => kept === null || !id.startsWith(kept)).map((each) => each.leave().catch(() => {})),
  );
}

/** Whether the game, or each of its groups, is in this phase. */
export const isIn = (game, phase) => (game.games ?? [game]).every(({ state }) => state.phase === phase);

/** What is known of a player where they play: of an entrance's, in the group. */
export const playing = (game, player) =>
  (game.games ?? []).map(({ state }) => state.players[player]).find((of) => of !== undefined) ??
  game.state.players[player] ??
  {};

/** What the host sees of each group, with a way to its own page: `open(id)`. */
export function groupsTable(game, painter, open) {
  const names = new Map(game.state.groups.map((group) => [group.game, group.name]));
  const list = h("tbody");
  const make = () => {
    const button = h("button", { type: "button", onclick: () => open(button.game) }, t("groups.open"));
    const of = (head) => ({ "data-head": t(head) });
    return h(
      "tr",
      {},
      h("td", of("groups.group"), userText("")),
      h("td", of("groups.round")),
      h("td", of("groups.phase"), h("span.tag")),
      h("td.r.num", of("groups.left")),
      h("td.r.num", of("players.title")),
      h("td.r", {}, button),
    );
  };
  const paint = () =>
    rows(list, game.games, make, (row, { id, state, online, now }, index) => {
      const [name, round, phase, left, players, last] = row.children;
      const { paused_at: paused } = state;
      const shown = paused === undefined ? state.phase : "paused";
      setText(name.firstChild, names.get(id));
      setText(round, roundName(state.round));
      setAttribute(phase.firstChild, "data-phase", shown);
      setText(phase.firstChild, t(`phase.${shown}`));
      setText(left, state.ends_at === null ? "–" : span(state.ends_at - (paused ?? now.call(game.games[index]))));
      const everybody = Object.keys(state.players);
      const here = everybody.filter((player) => online.has(player)).length;
      setText(players, t("groups.here", { here: coins(here), all: coins(everybody.length) }));
      last.firstChild.game = id;
      setAttribute(last.firstChild, "aria-label", t("groups.open_label", { name: names.get(id) }));
    });
  for (const type of ["joined", "removed", "presence", "reset", "round", "clock"])
    game.on(type, () => painter.mark(paint));
  const heads = [
    h("th", { scope: "col" }, t("groups.group")),
    h("th", { scope: "col" }, t("groups.round")),
    h("th", { scope: "col" }, t("groups.phase")),
    h("th.r", { scope: "col" }, t("groups.left")),
    h("th.r", { scope: "col" }, t("players.title")),
    h("th", { scope: "col" }, h("span.visually-hidden", {}, t("groups.open"))),
  ];
  const table = h("table.groups", {}, h("thead", {}, h("tr", {}, ...heads)), list);
  const element = h(
    "div.scroll.groups",
    { tabindex: 0, role: "region", "aria-label": t("groups.title") },
    h("p.soft", {}, t("groups.about")),
    game.missing.length ? h("p.error", {}, t("groups.missing", { names: game.missing.join(", ") })) : null,
    table,
  );
  whileShown(element, 500, paint);
  paint();
  return element;
}

/** On the page of one group: the way back to all of them. */
export function backToAll(game, open) {
  const { group } = game.state;
  if (group === undefined) return null;
  const button = h("button", { type: "button", onclick: () => open(group.of) }, t("groups.all"));
  return h("div.row", {}, h("p.soft", {}, ...pieces("groups.one", { name: userText(group.name) })), button);
}

/** Lets the host choose another group for a player; null where there is none. `now`: the id of the one they are in. */
export function groupChoice(game, now) {
  const others = (game.state.groups ?? []).filter((group) => group.game !== now);
  if (others.length === 0) return null;
  const select = h(
    "select",
    { id: "other-group" },
    ...others.map(({ game: id, name }) => h("option", { value: id }, name)),
  );
  return { select, field: h("label", {}, t("groups.other"), select) };
}
