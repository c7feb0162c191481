// The personal links of a game, a card each, to print and to cut.

import { h, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { keepTrying } from "../common/repeat.js";
import { pieces, t } from "../common/words.js";
import { call, json, game as path } from "./api.js";
import { qr } from "./roster.js";

/** 500 QR codes take 5 s. */
const PATIENCE_MS = 60_000;

/** Shows them in `place`. `wait(title, words)` shows what it waits for. */
export async function sheet(place, id, wait) {
  wait(t("sheet.title"), t("page.loading"));
  const failed = (error) => wait(t("sheet.title"), explain(error));
  const { title } = await keepTrying(() => json("GET", path(id)), failed);
  const get = async () => (await call("GET", path(id, "/links?pictures=true"), undefined, PATIENCE_MS)).json();
  const { links, here_only: hereOnly } = await keepTrying(get, failed);
  const called = title || id;
  document.title = `${t("sheet.title")} · ${called}`;
  const print = h("button.primary", { type: "button", onclick: () => globalThis.print() }, t("sheet.print"));
  place.replaceChildren(
    h(
      "main.sheet",
      {},
      h("h1", {}, userText(called)),
      h("p.unprinted", {}, links.length ? t("sheet.about") : t("sheet.none")),
      hereOnly ? h("p.unprinted.error", { role: "alert" }, ...hereOnlyWords()) : null,
      links.length ? h("p.unprinted", {}, print) : null,
      h("ul.cards", {}, ...links.map((link) => card(link, called))),
    ),
  );
}

const hereOnlyWords = () => pieces("control.here_only", { command: h("code", {}, "tradegame serve --host 0.0.0.0") });

function card(link, called) {
  const [shortened] = link.url.replace(/^https?:\/\//, "").split("#");
  return h(
    "li",
    {},
    qr(link),
    h(
      "div",
      {},
      h("strong", { dir: "auto" }, link.name ?? link.label),
      link.name ? h("span.soft", { dir: "auto" }, link.label) : null,
      h("span", { dir: "auto" }, called),
      h("span.soft", { dir: "ltr" }, shortened),
    ),
  );
}
