// Who has an account in a game, and who had: the host mutes, removes, kicks and readmits them.

import { h, rows, setAttribute, setText, userText } from "../common/dom.js";
import { openDialog, panel } from "../common/panels.js";
import { json, game as path } from "./api.js";

const SHOWN = 500;

/** The players kicked on this page. They stay in the game, with what they own. */
const kicked = new Set();

/** `attempt(call, done)` makes a call, and tells how it went. */
export function playersPanel(game, painter, attempt) {
  /** @type {Set<string>} */
  let muted = new Set();
  /** @type {{player: string, name: string}[]} */
  let removed = [];
  const account = (player, rest = "") => path(game.id, `/players/${encodeURIComponent(player)}${rest}`);
  async function refresh() {
    const told = await json("GET", path(game.id, "/roster"));
    muted = new Set(told.players.filter((each) => each.muted).map((each) => each.player));
    removed = told.removed;
    painter.mark(paint);
  }
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  const act = (call, done) => attempt(call, done).then(again);

  const list = h("tbody");
  const make = () => {
    const button = h("button", { type: "button" });
    button.addEventListener("click", () => (button.out ? readmit(button.player) : ask(button.player, button.called)));
    return h("tr", {}, h("td", {}, h("span.clip", { dir: "auto" })), h("td"), h("td.r", {}, button));
  };
  const paint = () => {
    const there = Object.entries(game.state.players).map(([player, { name }]) => ({ player, name, out: false }));
    const out = removed.filter(({ player }) => !(player in game.state.players)).map((each) => ({ ...each, out: true }));
    rows(list, [...out, ...there].slice(0, SHOWN), make, (row, { player, name, out }) => {
      const [first, second, third] = row.children;
      const button = third.firstChild;
      const [present, gone] = [game.online.has(player), kicked.has(player) && !game.online.has(player) && !out];
      setText(first.firstChild, name);
      const speaks = muted.has(player) && !out ? ", muted" : "";
      setText(second, out ? "removed" : `${present ? "here" : gone ? "kicked" : "away"}${speaks}`);
      if (gone && button === document.activeElement) table.focus();
      button.hidden = gone;
      [button.player, button.called, button.out] = [player, name, out];
      setText(button, out ? "Readmit" : "Kick");
      setAttribute(button, "aria-label", `${out ? "Readmit" : "Kick"} ${name}`);
    });
  };
  const readmit = (player) => act(() => json("POST", account(player, "/readmit")), "May join again.");
  async function ask(player, name) {
    const quiet = muted.has(player);
    const dialog = h(
      "dialog",
      { "aria-label": "Kick" },
      h("h2", {}, "Kick ", userText(name), "?"),
      h("p", {}, "The connection ends and the session with it. What the player owns stays in the game."),
      h(
        "p",
        {},
        "Or remove the player from this game alone: orders and all that is owned go, and out of the standings.",
      ),
      h(
        "details",
        {},
        h("summary", {}, "Erase name and messages"),
        h("p", {}, "From the store, whatever is kept: stop the servers, and run with their configuration"),
        h("p", {}, h("code", {}, `tradegame erase ${player}`)),
      ),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "no" }, "No"),
        h("button", { value: "mute" }, quiet ? "Unmute" : "Mute"),
        h("button.sell", { value: "remove" }, "Remove"),
        h("button.sell", { value: "yes" }, "Kick"),
      ),
    );
    const chosen = await openDialog(dialog);
    if (chosen === "remove") await act(() => json("DELETE", account(player)), "Removed.");
    if (chosen === "mute")
      await act(() => json("POST", account(player, "/mute"), { muted: !quiet }), quiet ? "May speak again." : "Muted.");
    if (chosen === "yes")
      await act(async () => {
        await json("DELETE", `/v1/players/${encodeURIComponent(player)}`);
        kicked.add(player);
      }, "Kicked.");
  }

  for (const type of ["joined", "removed", "presence", "round"]) game.on(type, () => painter.mark(paint));
  for (const type of ["removed", "reset"]) game.on(type, again);
  painter.mark(paint);
  again();
  const heads = ["Player", "Connection", ""].map((title) =>
    h("th", { scope: "col" }, title || h("span.visually-hidden", {}, "Kick")),
  );
  const table = h("div.scroll", { tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, ...heads)), list));
  return panel("Players", { flush: true }, table).section;
}
