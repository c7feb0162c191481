// Who has an account in a game, and who had: the host mutes, removes, kicks and readmits them.

import { h, keyed, setAttribute, setText, userText } from "../common/dom.js";
import { openDialog, panel } from "../common/panels.js";
import { askWhileSeen } from "../common/repeat.js";
import { robotWords } from "../common/robots.js";
import { pieces, t } from "../common/words.js";
import { json, game as path } from "./api.js";
import { attention } from "./attention.js";
import { groupChoice, playing } from "./groups.js";
import { askAbout } from "./person.js";
import { renewLink } from "./roster.js";

const SHOWN = 500;
const ASKED_MS = 3_000;
/** A large roster is asked for less often. */
const LARGE_MS = 30_000;

/** The players kicked on this page. They stay in the game, with what they own. */
const kicked = new Set();

/** `attempt(call, done)` makes a call, and tells how it went. */
export function playersPanel(client, game, painter, attempt) {
  /** @type {Set<string>} */
  let muted = new Set();
  /** @type {{player: string, name: string}[]} */
  let removed = [];
  const needs = attention(game, () => painter.mark(paint));
  /** By player, the game of their group. */
  let groups = new Map();
  const names = new Map((game.state.groups ?? []).map((group) => [group.game, group.name]));
  const account = (player, rest = "") => path(game.id, `/players/${encodeURIComponent(player)}${rest}`);
  async function refresh() {
    const told = await json("GET", path(game.id, "/roster"));
    muted = new Set(told.players.filter((each) => each.muted).map((each) => each.player));
    removed = told.removed;
    needs.take(told.players);
    groups = new Map(told.players.map((each) => [each.player, each.group]));
    painter.mark(paint);
  }
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  const act = (call, done) => attempt(call, done).then(again);

  const list = h("tbody");
  const make = () => {
    const button = h("button", { type: "button" });
    button.addEventListener("click", () => (button.out ? readmit(button.player) : ask(button.player, button.called)));
    const who = h("button.quiet.clip", {
      type: "button",
      dir: "auto",
      onclick: () => about(button.player, button.called),
    });
    return h("tr", {}, h("td", {}, who), h("td", {}, h("span"), h("div.needs")), h("td.r", {}, button));
  };
  const paint = () => {
    const there = Object.entries(game.state.players).map(([player, of]) => ({ player, ...of, out: false }));
    const out = removed.filter(({ player }) => !(player in game.state.players)).map((each) => ({ ...each, out: true }));
    needs.paint();
    const shown = [...out, ...there].filter(({ player }) => needs.shows(player));
    const key = ({ player }) => player;
    keyed(list, shown.slice(0, SHOWN), key, make, (row, { player, name, out, ...of }) => {
      const [first, second, third] = row.children;
      const button = third.firstChild;
      const [present, gone] = [game.online.has(player), kicked.has(player) && !game.online.has(player) && !out];
      const [[who], [now, more]] = [first.children, second.children];
      setText(who, name);
      who.disabled = out;
      setText(more, needs.words(player).join(" · "));
      more.classList.toggle("warn", needs.isLost(player));
      const where =
        robotWords(out ? of : playing(game, player)) ||
        t(out ? "players.removed" : present ? "players.is_here" : gone ? "players.kicked" : "players.is_away");
      const words = muted.has(player) && !out ? t("players.muted", { where }) : where;
      const group = names.get(groups.get(player));
      setText(now, group === undefined || out ? words : t("groups.of_player", { words, group }));
      if (gone && button === document.activeElement) table.focus();
      button.hidden = gone;
      [button.player, button.called, button.out] = [player, name, out];
      setText(button, t(out ? "kick.readmit" : "kick.kick"));
      setAttribute(button, "aria-label", t(out ? "kick.readmit_label" : "kick.kick_label", { name }));
    });
  };
  async function about(player, name) {
    const { robot = false, stand_in: standIn = false } = playing(game, player);
    const seat = needs.seat(player);
    const [quiet, words] = [muted.has(player), needs.words(player)];
    const { chosen, text } = await askAbout({ name, words, muted: quiet, standIn, robot, seated: seat !== undefined });
    if (chosen === "tell") await act(() => json("POST", account(player, "/message"), { text }), t("person.sent"));
    if (chosen === "mute") await mute(player, quiet);
    if (chosen === "robot") await sitIn(player, standIn);
    if (chosen === "link") await renewLink(game, { seat, label: needs.label(player) }, attempt);
    if (chosen === "more") await ask(player, name);
  }
  const mute = (player, quiet) =>
    act(() => json("POST", account(player, "/mute"), { muted: !quiet }), t(quiet ? "kick.unmuted" : "kick.muted"));
  const sitIn = (player, standIn) =>
    act(() => json("POST", account(player, "/robot"), { sits: !standIn }), t(standIn ? "robots.gone" : "robots.sits"));
  const readmit = (player) => act(() => json("POST", account(player, "/readmit")), t("kick.readmitted"));
  async function ask(player, name) {
    const quiet = muted.has(player);
    const { robot = false, stand_in: standIn = false } = playing(game, player);
    const choice = groupChoice(game, groups.get(player));
    const dialog = h(
      "dialog",
      { "aria-label": t("kick.kick") },
      h("h2", {}, ...pieces("kick.question", { name: userText(name) })),
      h("p", {}, t("kick.warning")),
      h("p", {}, t("kick.remove_warning")),
      h(
        "details",
        {},
        h("summary", {}, t("kick.erase")),
        h("p", {}, t("kick.erase_how")),
        h("p", {}, h("code", {}, `tradegame erase ${player}`)),
      ),
      choice?.field,
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "no" }, t("common.no")),
        choice ? h("button", { value: "group" }, t("groups.move")) : null,
        robot ? null : h("button", { value: "robot" }, t(standIn ? "robots.let_go" : "robots.sit_in")),
        robot ? null : h("button", { value: "mute" }, t(quiet ? "kick.unmute" : "kick.mute")),
        h("button.sell", { value: "remove" }, t("kick.remove")),
        robot ? null : h("button.sell", { value: "yes" }, t("kick.kick")),
      ),
    );
    const chosen = await openDialog(dialog);
    if (chosen === "remove") await act(() => json("DELETE", account(player)), t("kick.removed"));
    if (chosen === "robot") await sitIn(player, standIn);
    if (chosen === "group")
      await act(() => json("POST", account(player, "/group"), { group: choice.select.value }), t("groups.moved"));
    if (chosen === "mute") await mute(player, quiet);
    if (chosen === "yes")
      await act(async () => {
        await json("DELETE", `/v1/players/${encodeURIComponent(player)}`);
        kicked.add(player);
      }, t("kick.kicked"));
  }

  for (const type of ["joined", "removed", "seat", "presence", "round"]) game.on(type, () => painter.mark(paint));
  for (const type of game.games ? ["joined", "removed", "reset"] : ["removed", "reset"]) game.on(type, again);
  painter.mark(paint);
  again();
  const action = h("span.visually-hidden", {}, t("kick.kick"));
  const heads = [t("common.player"), t("players.connection"), action].map((head) => h("th", { scope: "col" }, head));
  const table = h("div.scroll", { tabindex: 0 }, h("table.people", {}, h("thead", {}, h("tr", {}, ...heads)), list));
  let asked = performance.now();
  askWhileSeen(client, table, ASKED_MS, async () => {
    const large = Object.keys(game.state.players).length > SHOWN;
    if (large && performance.now() - asked < LARGE_MS) return;
    asked = performance.now();
    await refresh();
  });
  return panel(t("players.title"), { flush: true }, needs.place, table).section;
}
