// One press trades at others' best bid or ask.

import { h, setAttribute, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { t } from "../common/words.js";

/** `press(buying, price)` is called with what stands on the button. */
export function quickButtons(press) {
  const [sell, buy] = [false, true].map((buying) => {
    const [price, there] = [h("b.num", {}, ""), h("span.num", {}, "")];
    const button = h(
      `button.${buying ? "buy" : "sell"}`,
      { type: "button", onclick: () => press(buying, button.price) },
      h("span", {}, t(buying ? "ticket.buy" : "ticket.sell")),
      price,
      there,
    );
    return { button, price, there };
  });

  /**
   * `level`: `[price, qty]` or undefined; `foreseen`: what `qty` at it would come to; `idle`: nothing can be sent;
   * `bare`: why there is nothing to sell, or "".
   */
  function paint(buying, level, qty, foreseen, idle, bare) {
    const { button, price, there } = buying ? buy : sell;
    button.price = level?.[0];
    button.disabled = idle || level === undefined || !qty || bare !== "";
    const loss = foreseen?.gain < 0 ? coins(-foreseen.gain) : "";
    setText(price, level === undefined ? "–" : coins(level[0]));
    const offers = buying ? "ticket.offered" : "ticket.wanted";
    if (level === undefined) setText(there, t(buying ? "ticket.no_ask" : "ticket.no_bid"));
    else if (bare) setText(there, bare);
    else setText(there, loss ? t("ticket.loses", { loss }) : t(offers, { count: level[1] }));
    button.classList.toggle("losing", loss !== "");
    const label = level && qty ? { qty, price: level[0], offers: there.textContent } : null;
    setAttribute(button, "aria-label", label && t(buying ? "ticket.buy_at" : "ticket.sell_at", label));
  }
  const element = h("div.quick", { role: "group", "aria-label": t("ticket.quick") }, sell.button, buy.button);
  return { element, paint };
}
