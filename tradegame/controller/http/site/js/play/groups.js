// Games that are one of several: people come in by the entrance of all, which says where each belongs.

import { reload } from "../common/reload.js";

/** Those of a list that people may choose. */
export const entrances = (games) => games.filter(({ group }) => group === undefined);

/** The game to choose for what is in an address, which may be that of a group. */
export const entranceOf = (games, wanted) => games.find(({ game }) => game === wanted)?.group?.of ?? wanted;

/** The game to play, for whoever has `entered` one: `joined(id)` joins a group. The page reloads at another group. */
export async function intoGroup(entered, joined) {
  const { group } = entered.me ?? {};
  if (group === undefined) return entered;
  entered.on("account", (me) => me.group !== group && void reload());
  return joined(group);
}
