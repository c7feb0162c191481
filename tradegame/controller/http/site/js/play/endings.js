// What takes the page's place when the player is out of the game.

import { CLOSE } from "../client/vocabulary.js";
import { h, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { reload } from "../common/reload.js";
import { keepTrying } from "../common/repeat.js";
import { fetchJson } from "../common/server.js";
import { t } from "../common/words.js";
import { forget, signInAgain } from "./sign_in.js";

const place = document.getElementById("app");
const AGAIN_MS = 8_000;
const KICKED = String(CLOSE.KICKED);
const REFUSED = "not_admitted";
/** The server does not know this player any more: it has another store, or the session is over. */
const FORGOTTEN = new Set(["unauthorized", String(CLOSE.REVOKED)]);

/** Ends the page when the connection or the game does, or when the player is removed from it. */
export function listenForTheEnd({ client, game }) {
  client.on("state", ({ state, code, reason }) => state === "stopped" && stopped(code, reason));
  game.on("gone", (error) => (error.code === REFUSED ? over(t("over.refused")) : gone(game)));
  game.on("removed", ({ player }) => {
    if (player === client.player.id) over(t("over.removed"));
  });
}

export function stopped(code, reason) {
  if (FORGOTTEN.has(code)) {
    over(t("over.forgotten"), false);
    signInAgain();
  } else if (code === KICKED) {
    over(t("over.kicked"));
  } else {
    over(t("outage.again", { words: explain({ code, message: reason }) }));
    setTimeout(reload, AGAIN_MS);
  }
}

function gone(game) {
  over(t("over.deleted"));
  const open = async () =>
    (await fetchJson("v1/games")).games.some(({ game: id }) => id === game.id) || Promise.reject(new Error("not yet"));
  void keepTrying(open, () => {}).then(reload);
}

/** Replaces the page with the reason why it ended, and with what can be done. */
function over(reason, choice = true) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close(); // it would hide the reason
  const again = h("button.primary.big", { type: "button", onclick: () => reload() }, t("over.again"));
  const other = h("button.big", { type: "button", onclick: forget }, t("leave.title"));
  place.replaceChildren(
    h(
      "main.welcome",
      {},
      h(
        "div.card",
        { role: "alert" },
        h("h1", {}, t("status.stopped")),
        userText(reason, "p"),
        choice ? h("form", { onsubmit: (event) => event.preventDefault() }, again, other) : null,
      ),
    ),
  );
}
