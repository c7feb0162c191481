// Addresses of games that do not exist yet.

import { BOUNDS } from "../client/vocabulary.js";

/** `id`, or if one of the `games` has it, the same with the first number that is free. */
export function freeAddress(id, games) {
  const taken = new Set(games.map(({ game }) => game));
  const stem = id.replace(/-\d+$/, "");
  let [found, number] = [id, 1];
  while (taken.has(found)) {
    number += 1;
    found = `${stem.slice(0, BOUNDS.id - 1 - String(number).length)}-${number}`;
  }
  return found;
}
