// What is said of a robot behind its name, and of a player for whom one sits in.

import { t } from "./words.js";

/**
 * The words for a player, a row of the standings or of a result; "" for who plays by hand.
 * @param {{robot?: boolean, stand_in?: boolean}} [of]
 */
export const robotWords = ({ robot, stand_in: standIn } = {}) =>
  robot ? t("robots.robot") : standIn ? t("robots.stand_in") : "";

/** The same in brackets, behind a name. */
export const robotMark = (of) => {
  const words = robotWords(of);
  return words && ` (${words})`;
};
