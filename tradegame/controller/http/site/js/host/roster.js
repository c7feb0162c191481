// Who may join a game: names, and seats with labels, links and QR codes.

import { h, rows, setAttribute, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { openDialog, panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { urlOf } from "../common/urls.js";
import { pieces, t } from "../common/words.js";
import { json, game as path } from "./api.js";
import { textOf } from "./text_file.js";

const COLUMNS = ["label", "name", "group", "team"];
const QUOTED = /[",;\t\r\n]|^\s|\s$/;
const cell = (text) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The table that the server would read as what it has: names alone, or with a line that names the columns. */
function written({ names, seats }) {
  if (seats.length === 0) return names.map(cell).join("\n");
  const lines = [...seats, ...names.map((name) => ({ name }))];
  const cells = lines.map((line) => COLUMNS.map((column) => cell(line[column] ?? "")).join(","));
  return [t("roster.columns"), ...cells].join("\n");
}

/** Makes a new link for a seat, if the host means it, and shows it. */
export async function renewLink(game, seat, attempt) {
  if ((await openDialog(question(seat))) !== "yes") return;
  await attempt(async () => {
    const made = await json("POST", path(game.id, `/seats/${seat.seat}/link`));
    void openDialog(shown(made));
  });
}

/** A table to paste or to read from a file. */
export function rosterPanel(game, attempt) {
  const now = h("p.soft", {}, "");
  const text = h("textarea.names", { id: "roster", rows: 6, dir: "auto", spellcheck: "false" });
  const file = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv,text/plain", onchange: read });
  const byNumber = h("input", { type: "checkbox", onchange: ofNumbers });
  const shared = h("input", { type: "checkbox", disabled: true });
  const pattern = h("input", { id: "pattern", maxlength: 64, dir: "ltr", placeholder: "########", disabled: true });
  const problem = h("p.error", { role: "alert" });
  const list = h("tbody");
  const table = h("div.scroll.seats", { tabindex: 0, hidden: true }, h("table.people.seats", {}, heads(), list));
  const sheet = h(
    "a",
    { href: urlOf(`host?game=${encodeURIComponent(game.id)}&sheet`), target: "_blank", rel: "opener", hidden: true },
    t("roster.sheet"),
  );
  /** What the server has, as the form would show it. */
  let kept = { csv: "", by_number: false, shared: false, pattern: "" };
  const filled = () => ({
    csv: text.value,
    by_number: byNumber.checked,
    shared: shared.checked,
    pattern: pattern.value.trim(),
  });
  const isEdited = () => JSON.stringify(filled()) !== JSON.stringify(kept);

  /** What matters only where people enter by a number. */
  function ofNumbers() {
    for (const field of [shared, pattern]) field.disabled = !byNumber.checked;
  }
  async function read() {
    if (file.files[0]) text.value = await textOf(file.files[0]);
    file.value = "";
    text.focus();
  }
  function show(told) {
    const { names, seats } = told;
    const open = names.length + seats.length === 0 && !told.by_number;
    const said = [
      seats.length ? t("roster.seats", { count: seats.length }) : "",
      names.length ? t("roster.only", { count: names.length }) : "",
      told.by_number ? t(told.shared ? "roster.shared_numbers" : "roster.numbers") : "",
    ].filter(Boolean);
    setText(now, open ? t("roster.open") : said.join(" "));
    const edited = isEdited();
    kept = { csv: written(told), by_number: told.by_number, shared: told.shared, pattern: told.pattern };
    if (!edited) {
      [text.value, pattern.value] = [kept.csv, kept.pattern];
      [byNumber.checked, shared.checked] = [kept.by_number, kept.shared];
      ofNumbers();
    }
    for (const each of [table, sheet]) each.hidden = seats.length === 0;
    rows(list, seats, seatRow, (row, seat) => {
      const [label, name, state, act] = row.children;
      setText(label.firstChild, seat.label);
      setText(
        name.firstChild,
        seat.player ? (game.state.players[seat.player]?.name ?? seat.name ?? "") : (seat.name ?? ""),
      );
      setText(state, t(seat.barred ? "roster.barred" : seat.player ? "roster.taken" : "roster.free"));
      act.firstChild.seat = seat;
      setAttribute(act.firstChild, "aria-label", t("roster.new_link_for", { label: seat.label }));
    });
  }
  function heads() {
    const names = [
      t("roster.label"),
      t("common.player"),
      t("roster.seat"),
      h("span.visually-hidden", {}, t("link.new")),
    ];
    return h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name))));
  }
  function seatRow() {
    const button = h("button", { type: "button", onclick: () => renew(button.seat) }, t("link.new"));
    const clip = () => h("td", {}, h("span.clip", { dir: "auto" }));
    return h("tr", {}, clip(), clip(), h("td"), h("td.r", {}, button));
  }
  const refresh = async () => show(await json("GET", path(game.id, "/roster")));
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  const renew = (seat) => renewLink(game, seat, attempt).then(again);
  async function save(event) {
    event.preventDefault();
    setText(problem, "");
    const body = { ...filled(), ...(byNumber.checked ? {} : { shared: false, pattern: "" }) };
    try {
      await json("POST", path(game.id, "/roster"), body);
      kept = filled();
      await refresh();
      toast(t("roster.saved"));
    } catch (error) {
      const line = error.reason?.params?.line;
      setText(problem, line ? t("roster.line", { line, problem: error.words }) : explain(error));
    }
  }
  for (const type of ["joined", "removed", "reset"]) game.on(type, again);
  again();
  return panel(
    t("roster.title"),
    {},
    h(
      "form",
      { onsubmit: save },
      now,
      h("label", {}, t("roster.names"), text),
      h("label", {}, t("roster.file"), file),
      h("label.check", {}, byNumber, t("roster.by_number")),
      h("label.check", {}, shared, t("roster.shared")),
      h("label", {}, t("roster.pattern"), pattern),
      problem,
      h("div.row", {}, h("button", { type: "submit" }, t("roster.save")), sheet),
    ),
    table,
  ).section;
}

function question({ label }) {
  return h(
    "dialog",
    { "aria-label": t("link.new") },
    h("h2", {}, ...pieces("link.question", { label: userText(label) })),
    h("p", {}, t("link.warning")),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, t("common.no")),
      h("button.primary", { value: "yes" }, t("link.new")),
    ),
  );
}

function shown(link) {
  return h(
    "dialog",
    { "aria-label": t("link.new") },
    h("h2", {}, ...pieces("link.made", { label: userText(link.name ?? link.label) })),
    qr(link),
    h("p.address", { dir: "ltr" }, link.url),
    h("form.row", { method: "dialog" }, h("button.primary", { value: "close" }, t("device.close"))),
  );
}

/** A link's QR code. */
export function qr({ picture }) {
  const src = `data:image/svg+xml,${encodeURIComponent(picture)}`;
  return h("img.qr", { src, alt: t("invitation.qr"), width: 160, height: 160 });
}
