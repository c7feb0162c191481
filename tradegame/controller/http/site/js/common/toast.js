// Short messages that disappear.

import { h, userText } from "./dom.js";

const box = h("div.toasts", { role: "status", "aria-live": "polite" });
document.body.append(box); // before the first message, so that screen readers read it out

export function toast(text, bad = false, ms = bad ? 7_000 : 4_000) {
  const item = userText(text, bad ? "div.toast.bad" : "div.toast");
  box.append(item);
  while (box.children.length > 4) box.firstElementChild.remove();
  setTimeout(() => item.remove(), ms);
}
