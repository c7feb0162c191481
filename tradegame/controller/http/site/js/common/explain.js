// Errors for people.

import { has, t } from "./words.js";

/** The message of a server, as a sentence: it has a small letter, and no full stop. */
const sentence = (text) => (/[.!?…]$/.test(text) ? text : text && `${text[0].toUpperCase()}${text.slice(1)}.`);

/**
 * What an error says, or a warning, in sentences in the reader's language: by its reason and the parameters of that;
 * else by what became of an order; else by its code, which may be a close code; else the message that came with it.
 */
export function explain({ code, message, why, became }) {
  const key = [`why.${why?.name}`, `became.${became}`, `error.${code}`].find(has);
  return key === undefined ? sentence(message) : t(key, { message, ...why?.params });
}
