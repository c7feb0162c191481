// The connection's status.

import { h, setAttribute, setText } from "./dom.js";

const MOMENT_MS = 1_000;

export function connectionStatus(client) {
  const element = h("span.status", { role: "status" }, "Connecting …");
  const root = document.documentElement;
  let waiting = null;
  let long = false; // something has been unanswered for longer than MOMENT_MS

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
      // the seconds go into the title, so that screen readers do not read them out
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
