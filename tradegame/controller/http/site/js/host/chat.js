// What the host sees of the chat: who may come in, whether people may speak, and each message, to be deleted.

import { h, rows, setAttribute, setText } from "../common/dom.js";
import { nameOf } from "../common/names.js";
import { panel } from "../common/panels.js";
import { t } from "../common/words.js";
import { json, game as path } from "./api.js";

/** `attempt(call, done)` makes a call, and tells how it went. */
export function chatPanel(game, painter, attempt) {
  const access = (body, done) => attempt(() => json("POST", path(game.id, "/access"), body), done);
  const lock = h("button", {
    type: "button",
    onclick: () => {
      const locked = !game.state.locked;
      void access({ locked }, t(locked ? "chat.locked" : "chat.unlocked"));
    },
  });
  const talk = h("button", {
    type: "button",
    onclick: () => {
      const chat = game.state.chat === false;
      void access({ chat }, t(chat ? "chat.is_on" : "chat.is_off"));
    },
  });
  const showAccess = () => {
    setText(lock, t(game.state.locked ? "chat.unlock" : "chat.lock"));
    setText(talk, t(game.state.chat === false ? "chat.turn_on" : "chat.turn_off"));
  };
  if (game.games) {
    for (const type of ["access", "reset"]) game.on(type, () => painter.mark(showAccess));
    painter.mark(showAccess);
    return panel(t("chat.title"), { end: [lock, talk] }, h("p.soft", {}, t("chat.in_groups"))).section;
  }
  const list = h("tbody");
  const make = () => {
    const gone = h("button", { type: "button" }, t("common.delete"));
    gone.addEventListener("click", () =>
      attempt(() => json("DELETE", path(game.id, `/messages/${gone.number}`)), t("chat.deleted")),
    );
    return h(
      "tr",
      {},
      h("td", {}, h("span.clip", { dir: "auto" })),
      h("td.text", { dir: "auto" }),
      h("td.r", {}, gone),
    );
  };
  const paint = () => {
    showAccess();
    rows(list, [...game.state.messages].reverse(), make, (row, { player, text, number }) => {
      const [who, what, last] = row.children;
      setText(who.firstChild, nameOf(game, player));
      setText(what, text);
      last.firstChild.number = number;
      setAttribute(
        last.firstChild,
        "aria-label",
        t("chat.delete", { name: nameOf(game, player), text: text.slice(0, 40) }),
      );
    });
  };
  for (const type of ["said", "unsaid", "access", "removed", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  const said = h(
    "div.scroll",
    { tabindex: 0, role: "region", "aria-label": t("chat.messages") },
    h(
      "table.messages",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("common.player")),
          h("th", { scope: "col" }, t("chat.said")),
          h("th", { scope: "col" }, h("span.visually-hidden", {}, t("common.delete"))),
        ),
      ),
      list,
    ),
  );
  return panel(t("chat.title"), { flush: true, end: [lock, talk] }, said).section;
}
