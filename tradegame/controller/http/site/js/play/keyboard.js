// The keyboard shortcuts, and their list. They can be switched off, for players who use speech input, for example.

import { h } from "../common/dom.js";
import { openDialog } from "../common/panels.js";
import { recall, remember } from "../common/storage.js";
import { t } from "../common/words.js";
import { showGuide } from "./guide.js";

const HELP = [
  ["b", "keys.buy"],
  ["s", "keys.sell"],
  ["1 … 9", "keys.good"],
  ["/", "keys.chat"],
  ["?", "keys.help"],
  ["Esc", "keys.leave"],
];
const OFF = "tradegame.keys-off";

const off = () => recall("localStorage", OFF) !== null;
const switchOff = (really) => remember("localStorage", OFF, really ? "1" : null);

export function listenForKeys(desk, ticket, chat) {
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
    else if (event.key === "?") void showKeysHelp();
    else if (good !== undefined) desk.choose(good);
    else return;
    event.preventDefault();
  });
}

export async function showKeysHelp() {
  const rows = HELP.map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, t(what))));
  const on = h("input", { type: "checkbox", checked: !off(), onchange: () => switchOff(!on.checked) });
  const chosen = await openDialog(
    h(
      "dialog",
      { "aria-label": t("keys.title") },
      h("h2", {}, t("keys.title")),
      h("table", {}, h("tbody", {}, ...rows)),
      h("p", {}, h("label", {}, on, " ", t("keys.switch"))),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "guide" }, t("guide.title")),
        h("button.primary", { value: "close" }, t("common.close")),
      ),
    ),
  );
  if (chosen === "guide") showGuide();
}
