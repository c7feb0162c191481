// The keyboard shortcuts. They can be switched off, for players who use speech input, for example.

import { h } from "../common/dom.js";
import { recall, remember } from "../common/storage.js";
import { t } from "../common/words.js";

/** Keys, and what they do. */
export const KEYS = [
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

/** `help` opens the page's help. */
export function listenForKeys(desk, ticket, chat, help) {
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
    else if (event.key === "?") void help();
    else if (good !== undefined) desk.choose(good);
    else return;
    event.preventDefault();
  });
}

/** The switch for all of them. */
export function keysSwitch() {
  const on = h("input", { type: "checkbox", checked: !off(), onchange: () => switchOff(!on.checked) });
  return h("label", {}, on, " ", t("keys.switch"));
}
