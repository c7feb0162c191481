// Private values of a new game as fields: a line for each buyer and each seller, or a range to draw from.

import { h } from "../common/dom.js";
import { t } from "../common/words.js";

const WHOLE = ["units", "low", "high"];
const USUAL = { units: 3, low: 20, high: 180 };

const lines = (lists = []) => lists.map((list) => list.join(" ")).join("\n");
/** Each line's numbers. What is no number becomes null, and the server says so. */
const lists = (text) =>
  text
    .split("\n")
    .map((line) => line.split(/[\s,;]+/).filter(Boolean))
    .filter((line) => line.length > 0)
    .map((line) => line.map((number) => (/^\d+$/.test(number) ? Number(number) : null)));

/** `get` returns the definition, `set` takes changes of it. Returns the fields, and a function that fills them in. */
export function valuesFields(get, set) {
  const put = (change) => set({ private_values: { ...get().private_values, ...change } });
  const numbers = WHOLE.map((name) =>
    h("input", {
      id: `private-${name}`,
      type: "number",
      min: name === "low" ? 0 : 1,
      step: 1,
      required: true,
      oninput: ({ target }) => put({ [name]: target.value === "" ? null : Number(target.value) }),
    }),
  );
  const given = ["values", "costs"].map((name) =>
    h("textarea", {
      id: `private-${name}`,
      rows: 3,
      spellcheck: "false",
      placeholder: t("values_form.drawn"),
      oninput: ({ target }) => put({ [name]: lists(target.value) }),
    }),
  );
  const redraw = h("input", {
    type: "checkbox",
    id: "private-redraw",
    onchange: () => put({ redraw: redraw.checked }),
  });
  const inner = h(
    "fieldset.plain",
    {},
    h("div.two", {}, ...WHOLE.map((name, index) => h("label", {}, t(`values_form.${name}`), numbers[index]))),
    h(
      "div.two",
      {},
      ...["values", "costs"].map((name, index) => h("label", {}, t(`values_form.${name}`), given[index])),
    ),
    h("label", {}, redraw, " ", t("values_form.redraw")),
  );
  const fields = h("details", {}, h("summary", {}, t("values_form.title")), inner);
  function show() {
    const { private_values: values } = get();
    fields.hidden = inner.disabled = !values;
    if (!values) return;
    const now = [
      ...WHOLE.map((name, index) => [numbers[index], String(values[name] ?? USUAL[name])]),
      [given[0], lines(values.values)],
      [given[1], lines(values.costs)],
    ];
    for (const [input, value] of now)
      if (input !== document.activeElement && input.value !== value) input.value = value;
    redraw.checked = values.redraw === true;
  }
  return { fields, show };
}
