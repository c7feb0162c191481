// What came of what one did, said once and gone.

import { h, said } from "./dom.js";

const box = h("div.toasts", { role: "status", "aria-live": "polite" });
document.body.append(box); // before there is anything to say: then it is read out

export function toast(text, bad = false) {
  const item = said(text, bad ? "div.toast.bad" : "div.toast");
  box.append(item);
  while (box.children.length > 4) box.firstElementChild.remove();
  setTimeout(() => item.remove(), bad ? 7_000 : 4_000);
}
