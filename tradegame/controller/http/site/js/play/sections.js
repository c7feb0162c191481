// On a phone: the parts of the page, one at a time.

import { h, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { t } from "../common/words.js";

const SECTIONS = {
  trade: "sections.trade",
  market: "sections.market",
  orders: "sections.orders",
  chat: "chat.title",
  more: "sections.more",
};

/** Buttons that choose what `play` shows: `show(section)`. Beside orders stands how many are open. */
export function sections(play, { game, painter }) {
  const buttons = Object.entries(SECTIONS).map(([section, words]) => {
    const count = h("span.count.num", {}, "");
    return { section, count, button: h("button", { type: "button", onclick: () => show(section) }, t(words), count) };
  });
  function show(chosen) {
    play.dataset.tab = chosen;
    for (const { section, button } of buttons) button.setAttribute("aria-pressed", String(section === chosen));
  }
  const paint = () => {
    const open = game.me?.orders.length ?? 0;
    for (const { section, count } of buttons) if (section === "orders") setText(count, open ? ` ${coins(open)}` : "");
  };
  game.on("account", () => painter.mark(paint));
  painter.mark(paint);
  show("trade");
  return {
    element: h("nav.bottom", { "aria-label": t("sections.title") }, ...buttons.map((each) => each.button)),
    show,
  };
}
