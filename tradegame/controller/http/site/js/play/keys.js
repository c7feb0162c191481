// What the keyboard does, and the list of it. Who speaks to the machine, or slips, can switch the single keys off.

import { ask, h } from "../common/dom.js";

const HELP = [
  ["b", "buy"],
  ["s", "sell"],
  ["1 … 9", "a good"],
  ["/", "chat"],
  ["?", "this list"],
  ["Esc", "leave a field"],
];
const OFF = "tradegame.keys-off";

function off() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function switchOff(really) {
  try {
    if (really) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  } catch {
    // no storage: they stay on
  }
}

export function keys(desk, ticket, chat) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (typing) {
      if (event.key === "Escape" && !typing.matches("dialog, dialog *")) event.target.blur();
      return;
    }
    if (off()) return;
    const good = Object.keys(desk.game.state.goods)[Number(event.key) - 1];
    if (event.key === "b" || event.key === "s") ticket.side(event.key === "b");
    else if (event.key === "/") chat.focus();
    else if (event.key === "?") void keysHelp();
    else if (good !== undefined) desk.choose(good);
    else return;
    event.preventDefault();
  });
}

export function keysHelp() {
  const rows = HELP.map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, what)));
  const on = h("input", { type: "checkbox", checked: !off(), onchange: () => switchOff(!on.checked) });
  return ask(
    h(
      "dialog",
      { "aria-label": "Keys" },
      h("h2", {}, "Keys"),
      h("table", {}, h("tbody", {}, ...rows)),
      h("p", {}, h("label", {}, on, " Single keys do something")),
      h("form", { method: "dialog" }, h("button.primary", {}, "Close")),
    ),
  );
}
