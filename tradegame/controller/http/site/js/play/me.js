// Who plays here, in which game; help; and how to go on as somebody else or on another device.

import { themeSwitch } from "../common/bar.js";
import { h, userText } from "../common/dom.js";
import { languageSwitch } from "../common/language_switch.js";
import { nameOf } from "../common/names.js";
import { openDialog, panel } from "../common/panels.js";
import { pieces, t } from "../common/words.js";
import { anotherDevice } from "./another_device.js";
import { guideButton, showGuide } from "./guide.js";
import { KEYS, keysSwitch } from "./keyboard.js";
import { forget } from "./sign_in.js";

/** For the bar of a desk. */
export function meButtons({ client, game }) {
  const [device, help] = [t("device.title"), t("help.title")];
  return [
    h(
      "button.quiet.wide.clip.me",
      { type: "button", dir: "auto", title: device, onclick: () => anotherDevice(client, game) },
      nameOf(game, client.player.id),
    ),
    h("button.quiet.wide", { type: "button", onclick: () => leave(client, game) }, t("leave.title")),
    h("button.quiet.wide", { type: "button", "aria-label": help, title: help, onclick: () => showHelp(game) }, "?"),
  ];
}

/** The same on a phone, where a bar has no room for it. */
export function mePanel({ client, game }) {
  const who = { name: userText(nameOf(game, client.player.id)), game: userText(game.state.title || game.id) };
  const button = (words, onclick) => h("button", { type: "button", onclick }, t(words));
  return panel(
    t("me.title"),
    { className: "me-panel", on: "more" },
    h("p", {}, ...pieces("me.plays", who)),
    button("help.title", () => showHelp(game)),
    guideButton(),
    button("device.title", () => anotherDevice(client, game)),
    button("leave.title", () => leave(client, game)),
    h("div.row", {}, languageSwitch(), themeSwitch()),
  ).section;
}

/** What the game is about, what orders there are, and the keys. */
export async function showHelp({ state }) {
  const rows = KEYS.map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, t(what))));
  const scored = Object.values(state.rules?.goods ?? {}).some((good) => good.private_values);
  const chosen = await openDialog(
    h(
      "dialog.help",
      { "aria-label": t("help.title") },
      h("h2", {}, t("help.title")),
      state.about ? userText(state.about, "p.text") : null,
      h("p", {}, t("help.market")),
      h("p", {}, t("help.limit")),
      scored ? h("p", {}, t("help.values")) : null,
      h(
        "div.keys",
        {},
        h("h3", {}, t("keys.title")),
        h("table", {}, h("tbody", {}, ...rows)),
        h("p", {}, keysSwitch()),
      ),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "guide" }, t("guide.title")),
        h("button.primary", { value: "close" }, t("common.close")),
      ),
    ),
  );
  if (chosen === "guide") showGuide();
}

/** Asks first: without the session's token, only a personal link or another device leads back to this account. */
async function leave(client, game) {
  const orders = game.me?.orders.length ?? 0;
  const dialog = h(
    "dialog",
    { "aria-label": t("leave.title") },
    h("h2", {}, ...pieces("leave.question", { name: userText(client.player.name) })),
    h("p", {}, orders ? t("leave.warning_orders", { count: orders }) : t("leave.warning")),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, t("leave.stay")),
      h("button", { value: "device" }, t("device.title")),
      h("button.sell", { value: "yes" }, t("leave.leave")),
    ),
  );
  const chosen = await openDialog(dialog);
  if (chosen === "yes") forget();
  if (chosen === "device") await anotherDevice(client, game);
}
