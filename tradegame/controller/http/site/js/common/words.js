// The words of the pages, in the language that language.js has chosen. Texts and keys are in languages/.

const words = globalThis.tradegame?.words ?? {};
let catalogue = {};

/** Resolves once there are words: `t` is of no use before. */
export const loaded = Promise.resolve(words).then((found) => {
  catalogue = found;
});

export const language = globalThis.document?.documentElement.lang || "en";
/** The language as the browser's region writes its numbers and times, `de-AT` for example. */
export const locale =
  globalThis.navigator?.languages?.find((tag) => tag.split("-")[0] === language.split("-")[0]) ?? language;

const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
/** Whether the language is written from right to left. */
export const fromRight = globalThis.document?.documentElement.dir === "rtl";

/** Names and goods keep their own direction within a text from right to left. */
const isolated = (value) => (fromRight ? `\u2068${value}\u2069` : value);
const shown = (value) =>
  typeof value === "number" ? numbers.format(value) : typeof value === "string" ? isolated(value) : value;

/** Whether there is such a text. */
export const has = (key) => Object.hasOwn(catalogue, key);

/**
 * The text of a `key` with its parameters, `{name}`, as a list for `h`: they may be elements. Numbers are written as
 * the locale does. A text with plural forms has one for each of Intl.PluralRules, chosen by `count`.
 */
export function pieces(key, params = {}) {
  const found = catalogue[key] ?? key;
  const text = typeof found === "string" ? found : found[plurals.select(params.count)];
  return text.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? shown(params[part]) : part));
}

/** The same as one string. */
export const t = (key, params) => pieces(key, params).join("");
