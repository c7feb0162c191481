// One press trades at others' best bid or ask.

import { h, setAttribute, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { t } from "../common/words.js";

/** `press(buying, price)` is called with what stood on the button when the finger came down. */
export function quickButtons(press) {
  const [sell, buy] = [false, true].map((buying) => {
    const [label, price, there] = [h("span", {}, ""), h("b.num", {}, ""), h("span.num", {}, "")];
    let pressed;
    function click({ detail: byPointer }) {
      press(buying, (byPointer && pressed) || button.price);
      pressed = undefined;
    }
    const button = h(
      `button.${buying ? "buy" : "sell"}`,
      { type: "button", onpointerdown: () => (pressed = button.price), onclick: click },
      label,
      price,
      there,
    );
    return { button, label, price, there };
  });

  /**
   * `level`: `[price, qty]` or undefined; `foreseen`: what `qty` at it would come to; `idle`: nothing can be sent;
   * `bare`: why there is nothing to sell, or "".
   */
  function paint(buying, level, qty, foreseen, idle, bare) {
    const { button, label, price, there } = buying ? buy : sell;
    const some = qty > 1 ? { qty } : null;
    if (some) setText(label, t(buying ? "ticket.buy_some" : "ticket.sell_some", some));
    else setText(label, t(buying ? "ticket.buy" : "ticket.sell"));
    button.price = level?.[0];
    button.disabled = idle || level === undefined || !qty || bare !== "";
    const loss = foreseen?.gain < 0 ? coins(-foreseen.gain) : "";
    setText(price, level === undefined ? "–" : coins(level[0]));
    const offers = buying ? "ticket.offered" : "ticket.wanted";
    if (level === undefined) setText(there, t(buying ? "ticket.no_ask" : "ticket.no_bid"));
    else if (bare) setText(there, bare);
    else setText(there, loss ? t("ticket.loses", { loss }) : t(offers, { count: level[1] }));
    button.classList.toggle("losing", loss !== "");
    const spoken = level && qty ? { qty, price: level[0], offers: there.textContent } : null;
    setAttribute(button, "aria-label", spoken && t(buying ? "ticket.buy_at" : "ticket.sell_at", spoken));
  }
  const element = h("div.quick", { role: "group", "aria-label": t("ticket.quick") }, sell.button, buy.button);
  return { element, paint };
}
