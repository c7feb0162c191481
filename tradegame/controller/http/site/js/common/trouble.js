// Tells people why there is no connection.

import { h, setText } from "./dom.js";
import { explain } from "./explain.js";
import { pause } from "./repeat.js";
import { whyUnreachable } from "./server.js";
import { t } from "./words.js";

const box = h("div.trouble", { role: "status", hidden: true });
document.body.append(box); // before the first message, so that screen readers read it out

/** Shows a message over the page; "" removes it. */
export function showTrouble(words) {
  box.hidden = words === "";
  setText(box, words === "" ? "" : t("outage.again", { words }));
}

const SOON_MS = 500;
const AGAIN_MS = 2_500;

/** While `client` has no connection, shows why, within 5 s. */
export function explainOutage(client) {
  const away = () => client.connection.state === "connecting" || client.connection.state === "reconnecting";
  let looking = false;
  async function look() {
    if (looking) return;
    looking = true;
    let well = 0; // how often in a row the server reported no problem
    await pause(SOON_MS);
    while (away()) {
      const words = await whyUnreachable();
      if (!away()) break;
      well = words ? 0 : well + 1;
      const { opened, code, reason } = client.connection;
      if (words) showTrouble(words);
      else if (opened && reason) showTrouble(t("outage.not_yet", { reason: explain({ code, message: reason }) }));
      else if (well > 1) showTrouble(t("outage.no_websocket"));
      await pause(well === 1 ? SOON_MS : AGAIN_MS);
    }
    looking = false;
  }
  client.on("state", () => {
    if (away()) void look();
    else showTrouble("");
  });
  void look();
}
