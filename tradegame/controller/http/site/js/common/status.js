// How the connection is, in a word, always in sight; and spoken when it changes.

import { h, setAttribute, setText } from "./dom.js";

export function connectionStatus(client) {
  const element = h("span.status", { role: "status" }, "Connecting …");
  const root = document.documentElement;
  let timer = null;

  function show() {
    const { state, reason, retryAt, unanswered } = client.connection;
    root.dataset.connection = state;
    setAttribute(element, "data-state", state);
    setAttribute(element, "title", reason);
    clearInterval(timer);
    if (state === "live") setText(element, unanswered > 3 ? `Settling ${unanswered} orders …` : "Live");
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
