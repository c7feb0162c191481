// The bar at the top of each page.

import { h } from "./dom.js";
import { languageSwitch } from "./language_switch.js";
import { toggleTheme } from "./theme.js";
import { urlOf } from "./urls.js";
import { t } from "./words.js";

export function themeSwitch() {
  const name = t("bar.theme");
  return h("button.quiet.theme", { type: "button", "aria-label": name, title: name, onclick: toggleTheme }, "◐");
}

/** The icon and `title`, then `middle` (null for none); at the end `last`, and the switches of language and theme. */
export function bar(title, middle, ...last) {
  const icon = h("img", { src: urlOf("static/icon.svg"), alt: "", width: 24, height: 24 });
  return h(
    "header.bar",
    {},
    h("a.brand", { href: urlOf("") }, icon, title),
    middle,
    h("div.end", {}, ...last, languageSwitch(), themeSwitch()),
  );
}
