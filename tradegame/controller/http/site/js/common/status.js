// The connection's status.

import { h, setAttribute, setText } from "./dom.js";
import { explain } from "./explain.js";
import { t } from "./words.js";

const MOMENT_MS = 1_000;

export function connectionStatus(client) {
  const element = h("span.status", { role: "status" }, t("page.connecting"));
  const root = document.documentElement;
  let waiting = null;
  let long = false; // something has been unanswered for longer than MOMENT_MS

  function show() {
    const { state, code, reason, retryAt, unanswered } = client.connection;
    const why = reason && explain({ code, message: reason });
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
    setAttribute(element, "title", why);
    if (state === "live") setText(element, long ? t("status.unanswered", { count: unanswered }) : t("status.live"));
    else if (state === "stopped") setText(element, why || t("status.stopped"));
    else {
      // the seconds go into the title, so that screen readers do not read them out
      const wait = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      setText(element, unanswered ? t("status.settling", { count: unanswered }) : t("status.reconnecting"));
      setAttribute(element, "title", wait > 1 ? t("status.again", { reason: why, count: wait }) : why);
    }
  }
  client.on("state", show);
  show();
  return element;
}
