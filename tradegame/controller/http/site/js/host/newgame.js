// A game from a preset, or from a definition of one's own.

import { h, panel } from "../common/dom.js";
import { json } from "./api.js";

export async function newGamePanel(created) {
  const { presets } = await json("GET", "/v1/presets");
  const preset = h("select", { id: "preset", onchange: () => show(true) }, ...presets.map(({ id, title }) => h("option", { value: id }, title || id)));
  const id = h("input", { id: "new-id", required: true, maxlength: 32, pattern: "[a-z0-9][a-z0-9_\\-]*", title: "a-z, 0-9, _ and -" });
  const title = h("input", { id: "new-title", maxlength: 100 });
  const cash = h("input", { id: "new-cash", type: "number", min: 0, required: true });
  const times = ["lobby_s", "open_s", "closed_s", "repeat"].map((name) => h("input", { id: `new-${name}`, type: "number", min: name === "open_s" ? 1 : 0, required: true }));
  const rounds = h("div.two", {}, ...["Lobby, s", "Open, s", "Closed, s", "Rounds (0: no end)"].map((label, index) => h("label", {}, label, times[index])));
  const text = h("textarea.json", { id: "definition", spellcheck: "false", oninput: () => (edited = true) });
  const own = h("details", {}, h("summary", {}, "Everything else, as JSON"), h("label", {}, "Definition", text));
  const about = h("p.about", {}, "");
  const problem = h("p.error", { role: "alert" });
  const byHand = h("input", { type: "checkbox", id: "by-hand", onchange: () => (rounds.hidden = byHand.checked) });
  let edited = false;

  function show(fresh) {
    const { definition, about: words } = presets.find((each) => each.id === preset.value);
    about.textContent = words;
    if (!fresh) return;
    id.value = definition.id;
    title.value = definition.title;
    cash.value = definition.cash;
    const given = definition.rounds ?? { lobby_s: 0, open_s: 300, closed_s: 60, repeat: 1 };
    [times[0].value, times[1].value, times[2].value, times[3].value] = [given.lobby_s, given.open_s, given.closed_s, given.repeat];
    byHand.checked = definition.rounds === null;
    rounds.hidden = byHand.checked;
    text.value = JSON.stringify(definition, null, 1);
    edited = false;
  }
  async function create(event) {
    event.preventDefault();
    problem.textContent = "";
    let definition;
    try {
      definition = JSON.parse(text.value);
    } catch (error) {
      problem.textContent = `That is no JSON: ${error.message}`;
      return;
    }
    if (!edited) {
      const [lobby, open, closed, repeat] = times.map((input) => Number(input.value));
      definition = { ...definition, cash: Number(cash.value), rounds: { lobby_s: lobby, open_s: open, closed_s: closed, repeat } };
      if (byHand.checked) delete definition.rounds;
    }
    definition = { ...definition, id: id.value, title: title.value };
    try {
      created(await json("POST", "/v1/games", definition));
    } catch (error) {
      problem.textContent = error.message;
    }
  }
  show(true);
  const form = h("form", { onsubmit: create }, h("label", {}, "Preset", preset), about, h("label", {}, "Address of the game", id), h("label", {}, "Title", title), h("label", {}, "Cash of each player", cash), h("label", {}, byHand, " I open and close rounds by hand"), rounds, own, problem, h("button.primary", { type: "submit" }, "Create game"));
  return panel("New game", {}, form).section;
}
