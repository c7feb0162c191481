// The names that may join a game.

import { h, setText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { json, game as path } from "./api.js";

/** A list to paste: a name a line, each as often as it may be there. */
export function rosterPanel(game) {
  const now = h("p.soft", {}, "");
  const text = h("textarea.names", { id: "roster", rows: 6, dir: "auto", spellcheck: "false" });
  const problem = h("p.error", { role: "alert" });
  /** What the server has, as the text would show it. */
  let kept = "";
  const lines = () => text.value.split(/\r?\n/).map((line) => line.trim());
  function show(names) {
    setText(now, names.length ? t("roster.only", { count: names.length }) : t("roster.open"));
    if (text.value === kept) text.value = names.join("\n"); // else somebody is writing in it
    kept = names.join("\n");
  }
  const refresh = async () => show((await json("GET", path(game.id, "/roster"))).names);
  async function save(event) {
    event.preventDefault();
    setText(problem, "");
    const written = lines();
    const places = written.flatMap((line, index) => (line ? [index] : []));
    try {
      const names = places.map((index) => written[index]);
      await json("POST", path(game.id, "/roster"), { names });
      kept = text.value;
      show(names);
      toast(t("roster.saved"));
    } catch (error) {
      const place = /^\$\.names\[(\d+)\]$/.exec(error.at ?? "");
      const line = place && places[Number(place[1])] + 1;
      setText(problem, place ? t("roster.line", { line, problem: error.words }) : explain(error));
    }
  }
  refresh().catch(() => {}); // the connection's status shows the problem
  return panel(
    t("roster.title"),
    {},
    h(
      "form",
      { onsubmit: save },
      now,
      h("label", {}, t("roster.names"), text),
      problem,
      h("button", { type: "submit" }, t("roster.save")),
    ),
  ).section;
}
