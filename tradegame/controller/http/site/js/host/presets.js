// A preset in the page's language: what it says to people, what its goods are called, and its news.

import { BOUNDS } from "../client/vocabulary.js";
import { has, t } from "../common/words.js";

const ID = new RegExp(`^(?:${BOUNDS.idPattern})$`);

const worded = (name, otherwise) => (has(name) ? t(name) : otherwise);

export const titleOf = ({ id, title }) => worded(`preset.${id}`, title) || id;

/** A good's id, which is also what people see. */
function goodOf(good) {
  const found = worded(`preset_good.${good}`, good);
  return ID.test(found) ? found : good;
}

const about = (each) => (each?.good ? { ...each, good: goodOf(each.good) } : each);

/** The definition of a game of this preset, but for its id. */
export function spoken(preset) {
  const { id, definition } = preset;
  return {
    ...definition,
    title: titleOf(preset),
    about: worded(`preset_about.${id}`, preset.about),
    goods: Object.fromEntries(Object.entries(definition.goods).map(([good, of]) => [goodOf(good), of])),
    news: (definition.news ?? []).map((each, place) => ({
      ...about(each),
      text: worded(`preset_news.${id}_${place + 1}`, each.text),
    })),
    private_values: about(definition.private_values),
  };
}
