// What the host takes home: the game's tables and its log; and the end of a game.

import { h, setText, userText } from "../common/dom.js";
import { openDialog, panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { download, json, game as path } from "./api.js";

/** Buttons for the tables of a game; `attempt` shows what goes wrong, `query` tells what else is asked for. */
export function tableButtons(id, attempt, query = () => ({})) {
  return [
    button("Download workbook", () => attempt(() => download(id, "tables", { format: "xlsx", ...query() }))),
    button("Download CSV (zip)", () => attempt(() => download(id, "tables", { format: "csv", ...query() }))),
  ];
}

/** The same where there is no place for an error. */
export function tableButtonsWithToasts(id) {
  return tableButtons(id, (call) => call().catch((error) => toast(error.message, true)));
}

/** One that says that it is at work, and cannot be pressed meanwhile. It acts as a link: the token is in a header. */
function button(label, act) {
  const made = h("button", { type: "button", role: "link", onclick: work }, label);
  async function work() {
    made.disabled = true;
    setText(made, "Preparing …");
    await act();
    setText(made, label);
    made.disabled = false;
  }
  return made;
}

export function recordsPanel(game, attempt, deleted) {
  const pseudonyms = h("input", {
    type: "checkbox",
    id: "pseudonyms",
    onchange: () => (chat.disabled = !pseudonyms.checked),
  });
  const chat = h("input", { type: "checkbox", id: "with-chat", disabled: true });
  const separator = h(
    "select",
    { id: "separator" },
    ...["comma", "semicolon", "tab"].map((value) => h("option", { value }, `${value}s`)),
  );
  const hidden = () => (pseudonyms.checked ? { pseudonyms: true, chat: chat.checked } : {});
  async function gone() {
    const dialog = h(
      "dialog",
      { "aria-label": "Delete" },
      h("h2", {}, "Delete ", userText(game.state.title || game.id), game.state.title ? ` (${game.id})?` : "?"),
      h("p", {}, "It ends for everybody, and cannot be brought back. Download the workbook and the log first."),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "no" }, "No"),
        h("button.sell", { value: "yes" }, "Delete"),
      ),
    );
    if ((await openDialog(dialog)) !== "yes") return;
    await attempt(async () => {
      await json("DELETE", path(game.id));
      deleted();
    });
  }
  const { section, body } = panel(
    "Records",
    {},
    h(
      "p.soft",
      {},
      "Players with their gains, orders, trades, prices, news and chat, with an explanation of each column.",
    ),
    h(
      "div.row",
      {},
      ...tableButtons(game.id, attempt, () => ({ separator: separator.value, ...hidden() })),
      h("label", {}, "CSV with", separator),
    ),
    h("div.row", {}, h("label", {}, pseudonyms, "without names"), h("label", {}, chat, "but with what was said")),
    h(
      "div.row",
      {},
      button("Download log", () => attempt(() => download(game.id, "log", hidden()))),
      h("button.end", { type: "button", onclick: gone }, "Delete game"),
    ),
  );
  body.classList.add("records");
  return section;
}
