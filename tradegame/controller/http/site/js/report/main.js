// A player's own report: asked for by the key in the address, or by the session of who is signed in on this browser.

import { bar } from "../common/bar.js";
import { h, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { pause } from "../common/repeat.js";
import { jsonBody, request } from "../common/server.js";
import { recall } from "../common/storage.js";
import { urlOf } from "../common/urls.js";
import { loaded, t } from "../common/words.js";
import { report } from "./report.js";

/** Where the page to play on keeps the session. */
const TOKEN = "tradegame.token";
const AGAIN_MS = 2_000;
/** So long until the host is expected to show reports, or a round to close. */
const LATER_MS = 15_000;
const RETRY = new Set(["overloaded", "rate_limited", "unavailable", "timeout"]);
const place = document.getElementById("app");
const game = location.pathname.split("/").at(-1);

/** Who asks: by the link, else by the session; null if there is neither. */
function authorization() {
  const key = location.hash.slice(1);
  const token = recall("localStorage", TOKEN);
  return key ? `Report ${key}` : token ? `Session ${token}` : null;
}

/** The report, or `error` as the server told it. */
async function ask(who) {
  const response = await request(`v1/games/${game}/report`, { cache: "no-store", headers: { Authorization: who } });
  const body = await jsonBody(response);
  return response.ok ? { found: body } : { error: body.error };
}

const REASONS = {
  not_found: "report.off",
  unauthorized: "report.wrong",
  not_joined: "report.no_account",
  unknown_player: "report.no_account",
};

async function main() {
  await loaded;
  let shown = "";
  for (;;) {
    const who = authorization();
    let wait = LATER_MS;
    if (who === null) {
      message(t("report.no_key"));
      return;
    }
    try {
      const { found, error } = await ask(who);
      if (found) {
        const now = JSON.stringify(found);
        if (now !== shown) show(found);
        shown = now;
      } else if (RETRY.has(error.code)) {
        wait = error.retry_after_ms ?? AGAIN_MS;
        if (!shown) message(t("report.making"));
      } else {
        message(REASONS[error.code] ? t(REASONS[error.code]) : explain(error));
        shown = "";
        if (error.code === "unauthorized") return;
      }
    } catch (error) {
      if (!shown) message(error.message);
      wait = AGAIN_MS;
    }
    await pause(wait);
    await visible();
  }
}

/** Resolves once somebody may look at the page. */
function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", () => resolve(), { once: true }));
}

function show(found) {
  // With the key in the address, the page can be kept, and opened elsewhere.
  if (found.key) history.replaceState(null, "", `#${found.key}`);
  const title = found.title || found.game;
  document.title = `${t("report.title")} · ${found.name} · ${title}`;
  place.replaceChildren(h("div", {}, bar(userText(title, "h1.clip.title"), null, back()), report(found)));
}

/** The way to the game, for who plays on this browser; else null. */
const back = () =>
  recall("localStorage", TOKEN) ? h("a", { href: urlOf(`?game=${encodeURIComponent(game)}`) }, t("report.back")) : null;

function message(text) {
  const words = [h("h1", {}, t("report.title")), h("p", {}, text), h("p", {}, back())];
  place.replaceChildren(h("main.welcome", {}, h("div.card", {}, ...words)));
}

addEventListener("hashchange", () => location.reload());

void main();
