// Errors for people.

import { has, t } from "./words.js";

/** The message of a server, as a sentence: it has a small letter, and no full stop. */
const sentence = (text) => (/[.!?…]$/.test(text) ? text : text && `${text[0].toUpperCase()}${text.slice(1)}.`);

/**
 * What an error says, in sentences: by its code, which may be a close code, in the reader's language; else the message
 * that came with it.
 */
export function explain({ code, message }) {
  const key = `error.${code}`;
  return has(key) ? t(key, { message }) : sentence(message);
}
