// What the keyboard does, and the list of it.

import { ask, h } from "../common/dom.js";

const HELP = [["b", "buy"], ["s", "sell"], ["1 … 9", "a good"], ["/", "chat"], ["?", "this list"], ["Esc", "leave a field"]];

export function keys(desk, ticket, chat) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (typing) {
      if (event.key === "Escape" && !typing.matches("dialog, dialog *")) event.target.blur();
      return;
    }
    const good = Object.keys(desk.game.state.goods)[Number(event.key) - 1];
    if (event.key === "b" || event.key === "s") ticket.side(event.key === "b");
    else if (event.key === "/") chat.focus();
    else if (event.key === "?") void ask(help());
    else if (good !== undefined) desk.choose(good);
    else return;
    event.preventDefault();
  });
}

function help() {
  const rows = HELP.map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, what)));
  return h("dialog", { "aria-label": "Keys" }, h("h2", {}, "Keys"), h("table", {}, h("tbody", {}, ...rows)), h("form", { method: "dialog" }, h("button.primary", {}, "Close")));
}
