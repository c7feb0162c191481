// The goods of a new game as fields: name, what everybody begins with, and the house's price.

import { BOUNDS } from "../client/vocabulary.js";
import { h } from "../common/dom.js";
import { t } from "../common/words.js";

const whole = ({ value }) => (value === "" ? null : Number(value));

/** `get` returns the definition, `set` takes changes of it. Returns the fields, and a function that fills them in. */
export function goodsFields(get, set) {
  const list = h("div.goods-fields");
  const add = h(
    "button",
    { type: "button", onclick: () => change([...entries(), [fresh(), {}]]) },
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
  /** Takes the goods as they shall be. */
  function change(goods, renamed = {}) {
    const { private_values: values } = get();
    const followed =
      values && renamed[values.good] ? { private_values: { ...values, good: renamed[values.good] } } : {};
    set({ goods: Object.fromEntries(goods), ...followed });
    show();
  }
  /** One good is changed: its place stays. */
  const put = (old, name, fields) =>
    change(
      entries().map((each) => (each[0] === old ? [name, fields] : each)),
      { [old]: name },
    );

  function row([name, fields]) {
    const free = get().private_values?.good !== name;
    const label = h("input", {
      value: name,
      maxlength: BOUNDS.id,
      pattern: BOUNDS.idPattern,
      required: true,
      title: t("new_game.id_form"),
      onchange: () => !Object.hasOwn(get().goods, label.value) && put(name, label.value, fields),
    });
    const endowment = h("input", {
      type: "number",
      min: 0,
      step: 1,
      value: fields.endowment ?? 0,
      disabled: !free,
      oninput: () => set({ goods: { ...get().goods, [name]: { ...get().goods[name], endowment: whole(endowment) } } }),
    });
    const anchor = h("input", {
      type: "number",
      min: 1,
      step: 1,
      value: fields.house?.anchor ?? "",
      placeholder: t("goods_form.no_house"),
      disabled: !free,
      oninput: () => {
        const now = get().goods[name];
        const house = anchor.value === "" ? null : { ...now.house, anchor: whole(anchor) };
        set({ goods: { ...get().goods, [name]: { ...now, house } } });
      },
    });
    const remove = h(
      "button",
      {
        type: "button",
        disabled: !free || entries().length === 1,
        "aria-label": t("goods_form.remove", { good: name }),
        onclick: () => change(entries().filter(([each]) => each !== name)),
      },
      "×",
    );
    return h(
      "div.good-fields",
      {},
      h("label", {}, t("common.good"), label),
      h("label", {}, t("goods_form.endowment"), endowment),
      h("label", {}, t("goods_form.anchor"), anchor),
      remove,
    );
  }
  /** Shows the goods; not while somebody types into their fields, unless there are others. */
  function show() {
    const key = JSON.stringify([entries().map(([name]) => name), get().private_values?.good]);
    if (key === shown && list.contains(document.activeElement)) return;
    shown = key;
    list.replaceChildren(...entries().map(row));
  }
  return { fields: h("fieldset.plain", {}, h("legend", {}, t("goods.title")), list, add), show };
}
