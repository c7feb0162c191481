// A field for a number, with buttons for one less and one more, which repeat while they are held.

import { h } from "../common/dom.js";
import { t } from "../common/words.js";

const HOLD_MS = 400;
const REPEAT_MS = 70;

/** The number one step from `text`; from an empty or invalid field it is `first`. Stays within 1 and `most`. */
export function stepped(text, by, first, most) {
  const now = Number(text);
  const next = text === "" || !Number.isFinite(now) ? first : Math.round(now) + by;
  return Math.max(1, Math.min(most, next));
}

/** Around `input`, which is called `label`. `first()` is the number that an empty field begins with. */
export function stepper(input, label, first = () => 1) {
  function step(by) {
    input.value = String(stepped(input.value, by, first(), Number(input.max)));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function button(by, sign) {
    let timer;
    let held = false;
    const again = () => {
      held = true;
      step(by);
      timer = setTimeout(again, REPEAT_MS);
    };
    const release = () => clearTimeout(timer);
    return h(
      "button",
      {
        type: "button",
        tabindex: -1, // the keyboard has its arrows
        "aria-label": t(by < 0 ? "ticket.less" : "ticket.more", { label }),
        onpointerdown: () => {
          held = false;
          release();
          timer = setTimeout(again, HOLD_MS);
        },
        onpointerup: release,
        onpointerleave: release,
        onpointercancel: release,
        oncontextmenu: (event) => event.preventDefault(),
        onclick: () => {
          if (!held) step(by);
          held = false;
        },
      },
      sign,
    );
  }
  return h("div.stepper", {}, button(-1, "−"), input, button(1, "+"));
}
