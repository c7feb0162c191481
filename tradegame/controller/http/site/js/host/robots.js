// How robots fill a game up, and when they sit in for people.

import { h, setText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { json, game as path } from "./api.js";

const STRATEGIES = ["zero_intelligence", "market_maker", "trend_follower", "informed"];

export function robotsPanel(game) {
  const now = h("p.soft", {}, "");
  const fillTo = h("input", { id: "fill-to", type: "number", min: 0, max: 200, step: 1, placeholder: "0" });
  const even = h("input", { id: "even-sides", type: "checkbox" });
  const away = h("input", { id: "sit-in-after", type: "number", min: 5, max: 3600, step: 1 });
  const strategy = h(
    "select",
    { id: "strategy" },
    h("option", { value: "" }, t("robots.suits")),
    ...STRATEGIES.map((name) => h("option", { value: name }, t(`strategy.${name}`))),
  );
  const problem = h("p.error", { role: "alert" });
  function show(told) {
    const playing = told.robots.length;
    setText(now, playing ? t("robots.playing", { count: playing }) : t("robots.none"));
  }
  function fill(told) {
    fillTo.value = told.fill_to || "";
    even.checked = told.even_sides;
    away.value = told.sit_in_after_s ?? "";
    strategy.value = told.strategy ?? "";
    show(told);
  }
  const ask = () => json("GET", path(game.id, "/robots"));
  async function save(event) {
    event.preventDefault();
    setText(problem, "");
    try {
      await json("POST", path(game.id, "/robots"), {
        fill_to: Number(fillTo.value || 0),
        even_sides: even.checked,
        ...(strategy.value ? { strategy: strategy.value } : {}),
        ...(away.value ? { sit_in_after_s: Number(away.value) } : {}),
      });
      show(await ask());
      toast(t("robots.saved"));
    } catch (error) {
      setText(problem, explain(error));
    }
  }
  const again = () => void ask().then(show, () => {}); // the connection's status shows the problem
  for (const type of ["joined", "removed", "reset"]) game.on(type, again);
  ask().then(fill, () => {});
  return panel(
    t("robots.title"),
    {},
    h(
      "form",
      { onsubmit: save },
      now,
      h("div.two", {}, h("label", {}, t("robots.fill_to"), fillTo), h("label", {}, t("robots.strategy"), strategy)),
      h("div.row", {}, h("label", {}, even, t("robots.even_sides"))),
      h("label", {}, t("robots.sit_in_after"), away),
      problem,
      h("button", { type: "submit" }, t("robots.save")),
    ),
  ).section;
}
