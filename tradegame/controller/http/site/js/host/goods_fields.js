// The goods of a new game as fields: name, what everybody begins with, and the house's price.

import { BOUNDS } from "../client/vocabulary.js";
import { h, setAttribute } from "../common/dom.js";
import { t } from "../common/words.js";

const whole = ({ value }) => (value === "" ? null : Number(value));

/** `get` returns the definition, `set` takes changes of it. Returns the fields, and a function that fills them in. */
export function goodsFields(get, set) {
  const list = h("div.goods-fields");
  const add = h(
    "button",
    { type: "button", onclick: () => set({ goods: { ...get().goods, [fresh()]: {} } }) },
    t("goods_form.add"),
  );
  const entries = () => Object.entries(get().goods ?? {});
  let shown = "";

  function fresh() {
    const taken = get().goods ?? {};
    let number = 1;
    while (Object.hasOwn(taken, `good-${number}`)) number += 1;
    return `good-${number}`;
  }
  const key = () => JSON.stringify([entries().map(([name]) => name), get().private_values?.good]);

  function row([first]) {
    let name = first;
    const free = get().private_values?.good !== name;
    const put = (change) => set({ goods: { ...get().goods, [name]: { ...get().goods[name], ...change } } });
    const label = h("input", {
      value: name,
      maxlength: BOUNDS.id,
      pattern: BOUNDS.idPattern,
      required: true,
      title: t("new_game.id_form"),
      onchange: rename,
    });
    /** Its place among the goods stays, its fields too, and the private values go with it. */
    function rename() {
      if (Object.hasOwn(get().goods, label.value)) return;
      const { goods, private_values: values } = get();
      const named = Object.entries(goods).map(([each, kept]) => [each === name ? label.value : each, kept]);
      const change = { goods: Object.fromEntries(named) };
      if (values?.good === name) change.private_values = { ...values, good: label.value };
      name = label.value;
      setAttribute(remove, "aria-label", t("goods_form.remove", { good: name }));
      shown = JSON.stringify([named.map(([each]) => each), change.private_values?.good ?? values?.good]);
      set(change);
    }
    const endowment = h("input", {
      type: "number",
      min: 0,
      step: 1,
      disabled: !free,
      oninput: () => put({ endowment: whole(endowment) }),
    });
    const anchor = h("input", {
      type: "number",
      min: 1,
      step: 1,
      placeholder: t("goods_form.no_house"),
      disabled: !free,
      oninput: () => put({ house: anchor.value === "" ? null : { ...get().goods[name].house, anchor: whole(anchor) } }),
    });
    const remove = h(
      "button",
      {
        type: "button",
        disabled: !free || entries().length === 1,
        "aria-label": t("goods_form.remove", { good: name }),
        onclick: () => set({ goods: Object.fromEntries(entries().filter(([each]) => each !== name)) }),
      },
      "×",
    );
    function fill() {
      const { endowment: units = 0, house } = get().goods[name];
      const now = [
        [endowment, String(units ?? "")],
        [anchor, String(house?.anchor ?? "")],
      ];
      for (const [input, value] of now)
        if (input !== document.activeElement && input.value !== value) input.value = value;
    }
    const element = h(
      "div.good-fields",
      {},
      h("label", {}, t("common.good"), label),
      h("label", {}, t("goods_form.endowment"), endowment),
      h("label", {}, t("goods_form.anchor"), anchor),
      remove,
    );
    fill();
    return { element, fill };
  }
  let made = [];
  /** Fills the rows in, and makes them anew where there are other goods. */
  function show() {
    if (key() === shown) {
      for (const { fill } of made) fill();
      return;
    }
    shown = key();
    made = entries().map(row);
    list.replaceChildren(...made.map(({ element }) => element));
  }
  return { fields: h("details", {}, h("summary", {}, t("goods.title")), list, add), show };
}
