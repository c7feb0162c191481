// Errors for people.

import { has, t } from "./words.js";

/** What an error says: by its code, in the reader's language; else the message that came with it. */
export function explain({ code, message, ...parameters }) {
  const key = `error.${code}`;
  return has(key) ? t(key, parameters) : message;
}
