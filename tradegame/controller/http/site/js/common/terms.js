// What is different in this round: taxes, price limits, the fee. And what a round is called.

import { coins, percents } from "./format.js";
import { t } from "./words.js";

/** Of one good in this round: the taker's fee, what buyers and sellers pay for a unit, and the price limits or null. */
export function termsOf({ rules, treatment = {} }, good) {
  const {
    buyer_tax: buyerTax = 0,
    seller_tax: sellerTax = 0,
    floor = null,
    ceiling = null,
  } = treatment.goods?.[good] ?? {};
  return { bps: treatment.fee_bps ?? rules?.fee_bps ?? 0, buyerTax, sellerTax, floor, ceiling };
}

/** A treatment in sentences, of one good or of all; none if nothing is different. */
export function differences(treatment = {}, chosen = null) {
  const words = [];
  if (treatment.fee_bps !== undefined)
    words.push(t("terms.fee", { fee: percents(treatment.fee_bps / 10_000).replace("+", "") }));
  for (const [good, terms] of Object.entries(treatment.goods ?? {})) {
    if (chosen !== null && good !== chosen) continue;
    const { buyer_tax: buyerTax, seller_tax: sellerTax, floor, ceiling } = terms;
    if (buyerTax) words.push(t("terms.buyer_tax", { good, tax: coins(buyerTax) }));
    if (sellerTax) words.push(t("terms.seller_tax", { good, tax: coins(sellerTax) }));
    if (floor && floor !== sellerTax) words.push(t("terms.floor", { good, price: coins(floor) }));
    if (ceiling) words.push(t("terms.ceiling", { good, price: coins(ceiling) }));
  }
  return words;
}

/** A round's name: 0 is for practice. */
export const roundName = (number) => (number === 0 ? t("clock.practice") : t("clock.round", { number }));
