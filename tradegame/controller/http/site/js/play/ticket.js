// The order ticket: trade at the best price, or place an order. It shows beforehand what that would cost.

import { BOUNDS } from "../client/vocabulary.js";
import { h, setAttribute, setText } from "../common/dom.js";
import { coins, percent } from "../common/format.js";
import { panel } from "../common/panels.js";
import { differences, termsOf } from "../common/terms.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { foresee, foretell } from "./foretell.js";
import { showGuide } from "./guide.js";
import { quickButtons } from "./quick.js";
import { affordable, limitFor, others, walk } from "./quote.js";
import { Sender } from "./send.js";
import { stepper } from "./stepper.js";
import { units } from "./worth.js";

export function ticketPanel(desk) {
  const { client, game, painter } = desk;
  const radio = (name, value, label, checked, kind = "") =>
    h(`label${kind}`, {}, h("input", { type: "radio", name, value, checked }), label);
  const sides = h(
    "fieldset.choice",
    {},
    h("legend.visually-hidden", {}, t("orders.side")),
    radio("side", "buy", t("ticket.buy"), true, ".buy"),
    radio("side", "sell", t("ticket.sell"), false, ".sell"),
  );
  const kinds = h(
    "fieldset.choice",
    {},
    h("legend.visually-hidden", {}, t("ticket.kind")),
    radio("kind", "now", t("ticket.market"), true),
    radio("kind", "rest", t("ticket.limit"), false),
  );
  const number = (id, attributes) =>
    h("input", {
      type: "number",
      id,
      min: 1,
      max: BOUNDS[id],
      step: 1,
      inputmode: "numeric",
      "aria-describedby": "cost",
      ...attributes,
    });
  const qty = number("qty", { value: 1, required: true });
  const price = number("price");
  const priceLabel = h("label", { for: "price" }, t("ticket.worst"));
  // not live: screen readers would read it at every move of the market
  const cost = h("output", { id: "cost", for: "qty price", "aria-live": "off" });
  const loss = h("p.loss", { hidden: true }, "");
  const submit = h("button.big.buy", { type: "submit", "aria-describedby": "cost" }, t("ticket.buy"));
  const shares = h(
    "div.shares",
    { role: "group", "aria-label": t("ticket.shares") },
    ...[25, 50, 75, 100].map((share) =>
      h("button", { type: "button", onclick: () => take(share) }, percent(share / 100)),
    ),
  );
  const quick = quickButtons((buying, limit) => {
    const problem = wrongQuantity();
    if (problem) return complain(qty, problem);
    send({ good: desk.good, buying, resting: false, qty: whole(qty), limit });
  });
  const different = h("p.different", { hidden: true }, "");
  const questions = h("button.primary", { type: "button", hidden: true, onclick: showGuide }, t("ticket.to_questions"));
  const form = h(
    "form",
    { onsubmit: press, oninput: changed, novalidate: true },
    quick.element,
    h("div.pair", {}, sides, kinds),
    h(
      "div.pair",
      {},
      h("div", {}, h("label", { for: "qty" }, t("common.quantity")), stepper(qty, t("common.quantity"))),
      h("div", {}, priceLabel, stepper(price, t("common.price"), firstPrice)),
    ),
    shares,
    different,
    cost,
    questions,
    submit,
    loss, // comes and goes: what is pressed must not move by it
  );
  const sender = new Sender(game, () => painter.mark(paint));
  let typed = false; // whether the limit is the player's own; else the page fills it in as the market moves

  function changed({ target }) {
    if (target === price) typed = true;
    // a price of another kind, or for the other side, is no limit
    else if (!resting() && (target.name === "kind" || target.name === "side")) typed = false;
    painter.mark(paint);
  }
  const value = (name) => form.elements[name].value;
  const isBuying = () => value("side") === "buy";
  const resting = () => value("kind") === "rest";
  const terms = () => termsOf(game.state, desk.good);
  const tax = (buying) => terms()[buying ? "buyerTax" : "sellerTax"];
  const own = (buying) =>
    game.me.orders.filter(({ good, side }) => good === desk.good && side === (buying ? "ask" : "bid"));
  const levels = (buying) => others(desk.levels(buying ? "asks" : "bids"), own(buying));
  const foreseen = (order) => foresee(order, levels(order.buying), game.me, terms().bps, tax(order.buying));

  /** The whole number in a field; null if it is empty, undefined if it is invalid. */
  function whole(input) {
    if (input.value === "" && !input.validity.badInput) return null;
    const found = /^\d+$/.test(input.value) ? Number(input.value) : 0;
    return found >= 1 && found <= BOUNDS[input.id] ? found : undefined;
  }

  /** The player's own limit; null if there is none. */
  const wanted = () => (typed || resting() ? whole(price) : null);

  /** The limit to fill in: a little beyond the expected worst price. */
  function filledIn() {
    const { worst } = walk(levels(isBuying()), whole(qty) || 1, null, isBuying(), terms().bps);
    const from = worst ?? game.state.goods[desk.good].last;
    return from === null ? "" : String(Math.min(BOUNDS.price, limitFor(from, isBuying())));
  }

  /** Where the steps of an empty price begin: at the best quote of the same side, else at what is known. No loss. */
  function firstPrice() {
    const { bids, asks, last } = game.state.goods[desk.good];
    const seen = (isBuying() ? bids : asks)[0]?.[0] ?? last;
    const own = units(game.me, desk.good)?.next ?? null;
    if (seen === null || own === null) return seen ?? own ?? 1;
    return (isBuying() ? Math.min : Math.max)(seen, own);
  }

  /** Why there is nothing to sell, in short; "" if there is. */
  function bare() {
    const { goods, held_goods: held } = game.me;
    if (goods[desk.good]) return "";
    return t(held[desk.good] ? "ticket.all_held" : "ticket.none_yet");
  }

  const wrongQuantity = () => (whole(qty) ? "" : t("ticket.how_many", { most: BOUNDS.qty }));

  /** The invalid field and what is wrong with it, or null. */
  function wrong() {
    if (wrongQuantity()) return [qty, wrongQuantity()];
    const limit = whole(price);
    if (limit === null && resting()) return [price, t("ticket.what_price")];
    const bounds = resting() ? "ticket.price_bounds" : "ticket.worst_bounds";
    if (limit === undefined) return [price, t(bounds, { most: BOUNDS.price })];
    const { floor, ceiling } = terms();
    if (resting() && ceiling !== null && limit > ceiling) return [price, t("ticket.ceiling", { price: ceiling })];
    if (resting() && floor !== null && limit < floor) return [price, t("ticket.floor", { price: floor })];
    return null;
  }

  /** The most units that the player's cash or goods allow. */
  function most() {
    const me = game.me;
    if (!isBuying()) return me.goods[desk.good];
    const limit = wanted();
    if (limit === undefined || (limit === null && resting())) return 0;
    return affordable(levels(true), me.cash, limit, terms().bps, resting(), tax(true));
  }

  function take(share) {
    qty.value = String(Math.min(BOUNDS.qty, Math.max(1, Math.floor((most() * share) / 100))));
    painter.mark(paint);
  }

  const order = (limit) => ({ good: desk.good, buying: isBuying(), resting: resting(), qty: whole(qty), limit });

  const paint = () => {
    const [buy, rest] = [isBuying(), resting()];
    if (!typed && rest) price.value = "";
    else if (!typed && document.activeElement !== price) price.value = filledIn();
    const kind = !typed ? "ticket.worst_filled_in" : price.value === "" ? "ticket.worst_none" : "ticket.worst";
    setText(priceLabel, t(rest ? "ticket.limit_price" : kind));
    price.required = rest;
    price.placeholder = rest ? t("ticket.such_as", { price: firstPrice() }) : t("ticket.any");
    submit.className = `big ${buy ? "buy" : "sell"}`;
    const label = rest ? (buy ? "ticket.place_bid" : "ticket.place_ask") : buy ? "ticket.buy" : "ticket.sell";
    setText(submit, t(sender.state === "slow" ? "ticket.sending" : label));
    const { phase, paused_at: pausedAt } = game.state;
    const { quiz, quiz_first: first } = game.state.rules;
    const unanswered = first === true && (game.me.right ?? 0) < (quiz?.length ?? 0);
    [questions.hidden, submit.hidden] = [!unanswered, unanswered];
    const closed = phase !== "open" || pausedAt !== undefined || unanswered;
    submit.disabled = closed;
    setAttribute(submit, "aria-disabled", sender.state !== null && "true");
    const problem = wrong();
    for (const input of [qty, price])
      setAttribute(input, "aria-invalid", problem?.[0] === input && input.value !== "" && "true");
    const asked = order(wanted());
    const seen = closed || problem ? null : foreseen(asked);
    const hint = !rest && !typed && price.value ? Number(price.value) : null;
    const still = { lobby: "ticket.not_open", closed: "ticket.closed" }[phase] ?? "ticket.paused";
    const shut = t(unanswered ? "ticket.questions" : still);
    setText(cost, seen ? foretell(asked, seen, own(buy), game.me, hint) : closed ? shut : problem[1]);
    loss.hidden = !(seen?.gain < 0);
    setText(loss, loss.hidden ? "" : t("ticket.would_lose", { gain: coins(-seen.gain) }));
    const seat = game.state.players[client.player.id]?.stand_in ? [t("robots.in_your_seat")] : [];
    const told = [...seat, ...differences(game.state.treatment, desk.good)].join(" ");
    different.hidden = told === "";
    setText(different, told);
    setText(good, desk.good);
    for (const buying of [true, false]) {
      const best = levels(buying)[0];
      const at = best && whole(qty) ? { ...asked, buying, resting: false, limit: best[0] } : null;
      quick.paint(buying, best, whole(qty), at && foreseen(at), closed, buying ? "" : bare());
    }
  };

  function complain(field, problem) {
    field.focus();
    toast(problem, true);
  }
  const send = (asked) => sender.send(asked, foreseen(asked).gain);

  function press(event) {
    event.preventDefault();
    const problem = wrong();
    if (problem) complain(...problem);
    else if (!submit.disabled) void send(order(whole(price)));
  }

  let role;
  /** A seller starts with selling, once a round has dealt the side. */
  function takeSide() {
    if (game.me.role === role) return;
    role = game.me.role;
    form.elements.side.value = role === "seller" ? "sell" : "buy";
  }
  takeSide();
  for (const type of ["account", "reset"]) game.on(type, takeSide);
  // without a house, somebody has to make a price
  if (game.state.rules?.goods[desk.good].house === false) form.elements.kind.value = "rest";
  for (const type of ["book", "account", "round", "clock", "reset", "trade", "seat"])
    game.on(type, () => painter.mark(paint));
  desk.onchoose(() => {
    typed = false; // a price of another good
    if (resting()) price.value = "";
    painter.mark(paint);
  });
  painter.mark(paint);
  const good = h("strong.clip", { dir: "auto" }, "");
  const { section } = panel(t("ticket.title"), { className: "ticket fixed", on: "trade", end: [good] }, form);
  return {
    section,
    fill({ buying, price: at, qty: some }) {
      // a resting order keeps its chosen side; a level can only be taken from the other side
      if (!resting()) form.elements.side.value = buying ? "buy" : "sell";
      price.value = String(at);
      typed = true;
      if (qty.value === "")
        qty.value = String(
          Math.max(
            1,
            buying
              ? Math.min(some, affordable([[at, some]], game.me.cash, null, terms().bps, false, terms().buyerTax))
              : Math.min(some, game.me.goods[desk.good] || some),
          ),
        );
      painter.mark(paint);
    },
    side(buying) {
      form.elements.side.value = buying ? "buy" : "sell";
      if (!resting()) typed = false;
      painter.mark(paint);
      qty.focus();
      qty.select();
    },
  };
}
