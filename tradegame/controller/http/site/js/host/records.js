// What the host takes home: the game's tables and its log; and the end of a game.

import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { openDialog, panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { pieces, t } from "../common/words.js";
import { download, json, game as path } from "./api.js";

/**
 * Buttons for the tables of a game; `attempt` shows what goes wrong, `query` tells what else is asked for. `groups`:
 * its tables are archives, of workbooks too, so that the others need a name of their own.
 */
export function tableButtons(id, attempt, query = () => ({}), groups = false) {
  const tables = (format, called) => () =>
    attempt(() => download(id, "tables", { format, ...query() }, groups ? called : ""));
  return [button(t("records.workbook"), tables("xlsx", "")), button(t("records.csv"), tables("csv", "-csv"))];
}

/** The same where there is no place for an error. */
export function tableButtonsWithToasts(id) {
  return tableButtons(id, (call) => call().catch((error) => toast(explain(error), true)));
}

/** One that says that it is at work, and cannot be pressed meanwhile. It acts as a link: the token is in a header. */
function button(label, act) {
  const made = h("button", { type: "button", role: "link", onclick: work }, label);
  async function work() {
    made.disabled = true;
    setText(made, t("records.preparing"));
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
    ...["comma", "semicolon", "tab"].map((value) => h("option", { value }, t(`separator.${value}`))),
  );
  const hidden = () => (pseudonyms.checked ? { pseudonyms: true, chat: chat.checked } : {});
  async function gone() {
    const called = game.state.title ? `${game.state.title} (${game.id})` : game.id;
    const dialog = h(
      "dialog",
      { "aria-label": t("common.delete") },
      h("h2", {}, ...pieces("records.delete_question", { game: userText(called) })),
      h("p", {}, t("records.delete_warning")),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "no" }, t("common.no")),
        h("button.sell", { value: "yes" }, t("common.delete")),
      ),
    );
    if ((await openDialog(dialog)) !== "yes") return;
    await attempt(async () => {
      await json("DELETE", path(game.id));
      await deleted();
    });
  }
  const reports = h("button", {
    type: "button",
    onclick: () => {
      const on = !game.state.reports;
      const done = t(on ? "reporting.are_on" : "reporting.are_off");
      void attempt(() => json("POST", path(game.id, "/access"), { reports: on }), done);
    },
  });
  const paint = () => setText(reports, t(game.state.reports ? "reporting.turn_off" : "reporting.turn_on"));
  for (const type of ["access", "reset"]) game.on(type, paint);
  paint();
  const { section, body } = panel(
    t("records.title"),
    {},
    h("p.soft", {}, t("records.about")),
    h(
      "div.row",
      {},
      ...tableButtons(game.id, attempt, () => ({ separator: separator.value, ...hidden() }), game.games !== undefined),
      h("label", {}, t("records.csv_with"), separator),
    ),
    h("div.row", {}, h("label", {}, pseudonyms, t("records.pseudonyms")), h("label", {}, chat, t("records.chat"))),
    h("p.soft", {}, t("reporting.about")),
    h(
      "div.row",
      {},
      reports,
      button(t("reporting.links"), () =>
        attempt(() => download(game.id, "reports.csv", { separator: separator.value })),
      ),
    ),
    h(
      "div.row",
      {},
      button(t("records.log"), () => attempt(() => download(game.id, "log", hidden()))),
      game.games ? h("span.soft", {}, t("records.log_of_group")) : null,
      game.state.group ? null : h("button.end", { type: "button", onclick: gone }, t("records.delete_game")),
    ),
  );
  body.classList.add("records");
  return section;
}
