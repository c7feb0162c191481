// How the connection is, in a word, always in sight; and spoken when it changes. And when there is none, why.

import { h, setAttribute, setText } from "./dom.js";
import { obstacle } from "./reach.js";
import { pause } from "./repeat.js";

const MOMENT_MS = 1_000;

export function connectionStatus(client) {
  const element = h("span.status", { role: "status" }, "Connecting …");
  const root = document.documentElement;
  let waiting = null;
  let long = false; // something is unanswered for longer than a moment

  function show() {
    const { state, reason, retryAt, unanswered } = client.connection;
    if (!unanswered) {
      clearTimeout(waiting);
      [waiting, long] = [null, false];
    } else {
      waiting ??= setTimeout(() => {
        long = true;
        show();
      }, MOMENT_MS);
    }
    root.dataset.connection = state;
    setAttribute(element, "data-state", state);
    setAttribute(element, "data-waiting", long && "true");
    setAttribute(element, "title", reason);
    if (state === "live") setText(element, long ? `${unanswered} unanswered …` : "Live");
    else if (state === "stopped") setText(element, reason || "Disconnected");
    else {
      // spoken once; the seconds are for the eye
      const wait = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      const settling = unanswered ? `, ${unanswered} to settle` : "";
      setText(element, `Reconnecting …${settling}`);
      setAttribute(element, "title", `${reason}${wait > 1 ? `; again in ${wait} s` : ""}`);
    }
  }
  client.on("state", show);
  show();
  return element;
}

const box = h("div.trouble", { role: "status", hidden: true });
document.body.append(box); // before there is anything to say: then it is read out

/** What is in the way, over the page; "" when nothing is any more. */
export function trouble(words) {
  box.hidden = words === "";
  setText(box, words === "" ? "" : `${words} Trying again …`);
}

const SOON_MS = 500;
const AGAIN_MS = 2_500;
const NO_WEBSOCKET =
  "The server answers, but no WebSocket to it opens: a proxy or a filter between does not pass it on. The host has to let it through: see “Between clients and nodes” in the server's OPERATIONS.md.";

/** Says within 5 s, and as long as `client` has no connection, why. */
export function accompany(client) {
  const away = () => client.connection.state === "connecting" || client.connection.state === "reconnecting";
  let looking = false;
  async function look() {
    if (looking) return;
    looking = true;
    let well = 0; // so often in a row the server said that nothing is wrong with it
    await pause(SOON_MS);
    while (away()) {
      const words = await obstacle();
      if (!away()) break;
      well = words ? 0 : well + 1;
      const { opened, reason } = client.connection;
      if (words) trouble(words);
      else if (opened && reason) trouble(`Not connected yet: ${reason}.`);
      else if (well > 1) trouble(NO_WEBSOCKET);
      await pause(well === 1 ? SOON_MS : AGAIN_MS);
    }
    looking = false;
  }
  client.on("state", () => {
    if (away()) void look();
    else trouble("");
  });
  void look();
}
