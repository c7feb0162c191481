// Numbers and times for people.

import { locale, t } from "./words.js";

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const change = new Intl.NumberFormat(locale, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
  signDisplay: "exceptZero",
});

const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 2 });
const LONG = 10_000_000_000;
/** With a true minus, which is as wide as a plus. */
const minus = (text) => text.replace("-", "−");

export const coins = (value) =>
  value === null || value === undefined ? "–" : Math.abs(value) < LONG ? whole.format(value) : compact.format(value);
/** Labels of grid lines: only whole prices have one. */
export const gridLabels = (prices) =>
  prices.map((price) => (price < 0 || Math.abs(price - Math.round(price)) > 1e-6 ? "" : coins(price)));
const hundredths = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** An average price, which is given in hundredths of a coin. */
export const average = (cents) => (cents < 100 * LONG ? hundredths.format(cents / 100) : coins(cents / 100));
const decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
export const tenths = (value) => decimal.format(value);
const gain = { signDisplay: "exceptZero" };
const signedWhole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0, ...gain });
const signedCompact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 2, ...gain });
export const signed = (value) => minus((Math.abs(value) < LONG ? signedWhole : signedCompact).format(value));
export const percents = (ratio) => minus(change.format(ratio));
const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
/** 25% */
export const percent = (ratio) => share.format(ratio);
/** A closed round's efficiency in percent. */
export const efficiency = ({ efficiency_bps: bps }) => percents(bps / 10_000).replace("+", "");
export const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

/** A game's title, with its id if another game has the same title. */
export function distinctTitle(games, { game, title }) {
  if (!title) return game;
  return games.some((other) => other.game !== game && other.title === title) ? `${title} (${game})` : title;
}

export function time(ms) {
  return new Date(ms).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/**
 * Local time on a chart's axis, at `seconds` since 1970. `kind` is lightweight-charts' TickMarkType: 3 a time, 4 one
 * with seconds, less a new day.
 */
export function tickTime(seconds, kind) {
  const fields = kind < 3 ? { weekday: "short" } : kind === 4 ? { second: "2-digit" } : {};
  return new Date(seconds * 1000).toLocaleString(locale, { hour: "2-digit", minute: "2-digit", ...fields });
}

/** Day and time of day. */
export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString(locale, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2 });
/** 3:07, 1:02:15 */
export function span(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = two.format(rest);
  return hours ? `${whole.format(hours)}:${two.format(minutes)}:${tail}` : `${whole.format(minutes)}:${tail}`;
}

/** 15s, 5m */
export function duration(seconds) {
  const [value, unit] = seconds % 60 ? [seconds, "second"] : [seconds / 60, "minute"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" }).format(value);
}

/** "3 wheat": goods have no plural. */
export const units = (qty, good) => t("common.units_of", { qty, good });
