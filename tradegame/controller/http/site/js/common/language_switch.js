// The switch between languages.

import { h } from "./dom.js";
import { language, t } from "./words.js";

/** The languages by their own names. A choice reloads the page. */
export function languageSwitch() {
  const { languages, choose } = globalThis.tradegame;
  const options = Object.entries(languages).map(([code, name]) =>
    h("option", { value: code, lang: code, selected: code === language }, name),
  );
  const name = t("bar.language");
  const select = h(
    "select.language",
    { "aria-label": name, title: name, onchange: () => choose(select.value) },
    ...options,
  );
  return select;
}
