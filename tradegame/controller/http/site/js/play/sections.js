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

/**
 * Buttons that choose what `play` shows: `show(section)`. Beside orders stands how many are open, beside the chat how
 * many messages to this player alone came while it was not shown.
 */
export function sections(play, { client, game, painter }) {
  let unread = 0;
  const buttons = Object.entries(SECTIONS).map(([section, words]) => {
    const count = h("span.count.num", {}, "");
    return { section, count, button: h("button", { type: "button", onclick: () => show(section) }, t(words), count) };
  });
  function show(chosen) {
    play.dataset.tab = chosen;
    if (chosen === "chat") unread = 0;
    painter.mark(paint);
    for (const { section, button } of buttons) button.setAttribute("aria-pressed", String(section === chosen));
  }
  const paint = () => {
    const counts = { orders: game.me?.orders.length ?? 0, chat: unread };
    for (const { section, count } of buttons) setText(count, counts[section] ? ` ${coins(counts[section])}` : "");
  };
  game.on("account", () => painter.mark(paint));
  game.on("whisper", ({ player }) => {
    if (player !== client.player.id && play.dataset.tab !== "chat") unread += 1;
    painter.mark(paint);
  });
  show("trade");
  return {
    element: h("nav.bottom", { "aria-label": t("sections.title") }, ...buttons.map((each) => each.button)),
    show,
  };
}
