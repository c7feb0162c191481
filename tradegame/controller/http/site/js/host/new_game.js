// Creating a game, from a preset or from a definition.

import { BOUNDS } from "../client/vocabulary.js";
import { h, setText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins } from "../common/format.js";
import { panel } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { json } from "./api.js";
import { freeAddress } from "./free_address.js";
import { goodsFields } from "./goods_fields.js";
import { spoken, titleOf } from "./presets.js";
import { valuesFields } from "./values_fields.js";

const TIMES = ["lobby_s", "open_s", "closed_s", "repeat"];
const USUAL = { lobby_s: 0, open_s: 300, closed_s: 60, repeat: 1 };
/** What groups are called. */
const LETTERS = "ABCDEFGHIJKLMNOPQRST";

/**
 * There is one definition. Both the fields and the text show it, and both can change it. While the text is invalid
 * JSON, only the text can be changed. Returns the panel, and what to call when the list of `games` may have changed.
 */
export async function newGamePanel(games, created) {
  const { presets } = await json("GET", "/v1/presets");
  let definition = {};
  let suggested = "";
  let clock = USUAL; // the rounds to restore when they are no longer opened by hand

  const preset = h(
    "select",
    { id: "preset", onchange: begin },
    ...presets.map((each) => h("option", { value: each.id }, titleOf(each))),
  );
  const about = h("p.about", {}, "");
  const id = h("input", {
    id: "new-id",
    required: true,
    maxlength: BOUNDS.id,
    pattern: BOUNDS.idPattern,
    title: t("new_game.id_form"),
    oninput: () => set({ id: id.value }),
  });
  const title = h("input", { id: "new-title", maxlength: 100, oninput: () => set({ title: title.value }) });
  const cash = h("input", {
    id: "new-cash",
    type: "number",
    min: 0,
    step: 1,
    required: true,
    oninput: () => set({ cash: whole(cash) }),
  });
  const byHand = h("input", {
    type: "checkbox",
    id: "by-hand",
    onchange: () =>
      set(byHand.checked ? { rounds: null, wait_for_host: true } : { rounds: clock, wait_for_host: false }),
  });
  const times = TIMES.map((name) =>
    h("input", {
      id: `new-${name}`,
      type: "number",
      min: name === "open_s" ? 1 : 0,
      step: 1,
      required: true,
      oninput: ({ target }) => set({ rounds: { ...definition.rounds, [name]: whole(target) } }),
    }),
  );
  const rounds = h(
    "fieldset.two.plain",
    {},
    h("legend.visually-hidden", {}, t("control.rounds")),
    ...TIMES.map((name, index) => h("label", {}, t(`times.${name}`), times[index])),
  );
  const practice = h("input", {
    type: "checkbox",
    id: "practice",
    onchange: () => set({ practice: practice.checked }),
  });
  const groups = h("input", {
    type: "number",
    id: "groups",
    min: 0,
    max: LETTERS.length,
    step: 1,
    placeholder: coins(0),
    oninput: () => set({ groups: [...LETTERS.slice(0, whole(groups) ?? 0)] }),
  });
  const goods = goodsFields(() => definition, set);
  const values = valuesFields(() => definition, set);
  const fields = h(
    "fieldset.plain",
    {},
    h("legend.visually-hidden", {}, t("new_game.fields")),
    h("label", {}, t("new_game.id"), id),
    h("label", {}, t("new_game.game_title"), title),
    h("label", {}, t("new_game.cash"), cash),
    h("label", {}, byHand, " ", t("new_game.by_hand")),
    rounds,
    h("label", {}, practice, " ", t("new_game.practice")),
    h("label", {}, t("new_game.groups"), groups),
    goods.fields,
    values.fields,
  );
  const text = h("textarea.json", { id: "definition", spellcheck: "false", oninput: read });
  const own = h("details", {}, h("summary", {}, t("new_game.json")), h("label", {}, t("new_game.definition"), text));
  const problem = h("p.error", { role: "alert" });
  const doubts = h("div", { role: "status" });
  const submit = h("button.primary", { type: "submit" }, t("new_game.create"));

  const whole = ({ value }) => (value === "" ? null : Number(value));

  function begin() {
    const chosen = presets.find((each) => each.id === preset.value);
    suggested = freeAddress(chosen.id, games());
    definition = { ...spoken(chosen), id: suggested };
    setText(about, definition.about);
    clock = definition.rounds ?? USUAL;
    show();
    write();
  }
  /** Suggests another address if somebody took the one that was suggested. */
  function suggest() {
    const typing = [id, text].includes(document.activeElement) || fields.disabled;
    const free = freeAddress(suggested, games());
    if (typing || definition.id !== suggested || free === suggested) return;
    suggested = free;
    definition = { ...definition, id: free };
    id.value = free;
    text.value = JSON.stringify(definition, null, 1);
  }
  /** Takes a change of a field. */
  function set(change) {
    definition = { ...definition, ...change };
    if (definition.rounds) clock = definition.rounds;
    if ("rounds" in change || "goods" in change) show();
    write();
  }
  function write() {
    text.value = JSON.stringify(definition, null, 1);
    read.problem("");
  }
  /** Takes a change of the text. */
  function read() {
    try {
      const found = JSON.parse(text.value);
      if (typeof found !== "object" || found === null || Array.isArray(found))
        throw new SyntaxError(t("new_game.no_object"));
      definition = found;
    } catch (error) {
      read.problem(t("new_game.no_json", { reason: error.message }));
      return;
    }
    if (definition.rounds) clock = { ...USUAL, ...definition.rounds };
    show();
    read.problem("");
  }
  read.problem = (words) => {
    setText(problem, words);
    fields.disabled = submit.disabled = words !== "";
  };
  /** Shows the definition in the fields, with the server's defaults. */
  function show() {
    const now = [
      [id, definition.id ?? ""],
      [title, definition.title ?? ""],
      [cash, definition.cash ?? (definition.cash === null ? "" : 10_000)],
    ];
    const hand = definition.rounds === null || definition.rounds === undefined;
    times.forEach((input, index) =>
      now.push([
        input,
        { lobby_s: 0, closed_s: 0, repeat: 1, ...(hand ? clock : definition.rounds) }[TIMES[index]] ?? "",
      ]),
    );
    for (const [input, value] of now)
      if (input !== document.activeElement && input.value !== String(value)) input.value = value;
    practice.checked = definition.practice === true;
    if (groups !== document.activeElement) groups.value = definition.groups?.length || "";
    goods.show();
    values.show();
    byHand.checked = hand && definition.wait_for_host === true;
    rounds.hidden = rounds.disabled = hand;
  }
  async function create(event) {
    event.preventDefault();
    setText(problem, "");
    doubts.replaceChildren();
    try {
      const made = await json("POST", "/v1/games", definition);
      toast(t("new_game.made", { title: definition.title || made.game }));
      doubt(made);
      suggested = freeAddress(made.game, [...games(), made]);
      set({ id: suggested });
      id.value = suggested;
      await created(made);
    } catch (error) {
      setText(problem, explain(error));
    }
  }
  /** Says what of the game that was made will not do what it seems to. */
  function doubt({ game, warnings = [] }) {
    if (warnings.length === 0) return;
    const list = warnings.map((each) => h("li", {}, h("code", {}, each.at.replace("$.", "")), ` ${explain(each)}`));
    doubts.replaceChildren(h("p", {}, t("new_game.doubts", { game })), h("ul.doubts", {}, ...list));
  }
  const served = games().find(({ game }) => presets.some(({ id: each }) => each === game))?.game;
  preset.value = served ?? (presets.find(({ id: each }) => each === "classroom") ?? presets[0]).id;
  begin();
  const { section } = panel(
    t("new_game.title"),
    {},
    h(
      "form",
      { onsubmit: create },
      h("label", {}, t("new_game.preset"), preset),
      about,
      fields,
      own,
      problem,
      submit,
      doubts,
    ),
  );
  return { section, suggest };
}
