// Another price or quantity for an open order.

import { BOUNDS } from "../client/vocabulary.js";
import { h } from "../common/dom.js";
import { openDialog } from "../common/panels.js";
import { t } from "../common/words.js";

/**
 * Asks for them. Resolves with what of the two the player changed, which may be nothing: only that is sent, since
 * some of the order may trade meanwhile.
 */
export async function askForChange({ good, side, qty, price }) {
  const number = (most, value) =>
    h("input", { type: "number", min: 1, max: most, step: 1, value, inputmode: "numeric", required: true });
  const [quantity, at] = [number(BOUNDS.qty, qty), number(BOUNDS.price, price)];
  const keep = h("button", { type: "button", onclick: () => dialog.close("no") }, t("change.leave"));
  const title = t(side === "bid" ? "change.title_bid" : "change.title_ask", { qty, good, price });
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h("h2", {}, title),
    h(
      "form.change",
      { method: "dialog" },
      h("div.pair", {}, h("label", {}, t("common.quantity"), quantity), h("label", {}, t("common.price"), at)),
      h("p.soft", {}, t("change.queue")),
      h("div.row", {}, h("button", { value: "yes" }, t("orders.change")), keep),
    ),
  );
  if ((await openDialog(dialog)) !== "yes") return {};
  const [some, limit] = [Number(quantity.value), Number(at.value)];
  return { ...(some !== qty && { qty: some }), ...(limit !== price && { price: limit }) };
}
