// Sends an order, and tells what it did. One that would lose by the player's own values is asked about first.

import { h } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins } from "../common/format.js";
import { openDialog } from "../common/panels.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { units } from "./worth.js";

const SENDING_MS = 300;

const sentences = (...all) => all.filter(Boolean).join(" ");

/** What an order traded at once, with the money, as far as the player's last fills tell. */
async function traded(game, { order, filled }, good, buying) {
  const fills = (await game.fills().catch(() => [])).filter((fill) => fill.order === order);
  const sum = (value) => fills.reduce((total, fill) => total + value(fill), 0);
  if (sum(({ qty }) => qty) !== filled) return t(buying ? "ticket.bought" : "ticket.sold", { qty: filled, good });
  const total = coins(sum(({ qty, price, fee }) => qty * price + (buying ? fee : -fee)));
  return t(buying ? "ticket.bought_for" : "ticket.sold_for", { qty: filled, good, total });
}

/** What the command did, in words. */
async function done(game, { good, buying, resting, qty, limit }) {
  if (resting) {
    const placed = await game.order(good, buying ? "bid" : "ask", qty, limit);
    const { filled, resting: left, replayed } = placed;
    return sentences(
      replayed && t("ticket.happened"),
      filled && (await traded(game, placed, good, buying)),
      left && t("ticket.rests", { count: left, good, price: limit }),
    );
  }
  const options = limit === null ? {} : { limit };
  const { filled, fee, replayed, ...money } = await (buying
    ? game.buy(good, qty, options)
    : game.sell(good, qty, options));
  const about = { qty: filled, good, total: coins(buying ? money.cost + fee : money.proceeds - fee) };
  return sentences(
    replayed && t("ticket.happened"),
    t(buying ? "ticket.bought_for" : "ticket.sold_for", about),
    filled < qty && t(buying ? "ticket.nobody_offered_more" : "ticket.nobody_wanted_more"),
  );
}

/** Whether the player wants to lose so many coins. */
export async function wantsToLose(loss, why = null) {
  const title = t("lose.title", { loss: coins(loss) });
  const dialog = h(
    "dialog.losing",
    { role: "alertdialog", "aria-label": title },
    h("h2", {}, title),
    h("p", {}, t("lose.why")),
    why && h("p", {}, why),
    h(
      "form.row",
      { method: "dialog" },
      h("button.primary", { value: "no", autofocus: true }, t("lose.no")),
      h("button", { value: "yes" }, t("lose.yes")),
    ),
  );
  return (await openDialog(dialog)) === "yes";
}

/** Sends one order at a time. `state` is null, "sent" or "slow"; `changed` is called when it changes. */
export class Sender {
  state = null;
  #game;
  #changed;

  constructor(game, changed) {
    this.#game = game;
    this.#changed = changed;
  }

  /** What the next unit is worth to the player, or costs them, against the limit; null where there is none. */
  #because({ good, buying, qty, limit }) {
    const { list = [], done = 0, next = null } = units(this.#game.me, good) ?? {};
    if (next === null || limit === null) return null;
    if (buying ? next >= limit : next <= limit) {
      const worth = list.slice(done, done + qty).filter((own) => (buying ? own >= limit : own <= limit)).length;
      return worth < qty ? t(buying ? "lose.few" : "lose.few_sold", { worth, qty }) : null; // else by a fee or a tax
    }
    return t(buying ? "lose.dear" : "lose.cheap", { own: coins(next), price: coins(limit) });
  }

  /** `gain`: what is foreseen, or null. */
  async send(order, gain) {
    if (this.state !== null) return;
    if (gain < 0 && !(await wantsToLose(-gain, this.#because(order)))) return;
    this.#become("sent");
    const slow = setTimeout(() => this.#become("slow"), SENDING_MS);
    try {
      toast(await done(this.#game, order));
    } catch (error) {
      const reason = explain(error);
      toast(error.definite === false ? t("ticket.in_doubt", { reason }) : reason, true);
    } finally {
      clearTimeout(slow);
      this.#become(null);
    }
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }
}
