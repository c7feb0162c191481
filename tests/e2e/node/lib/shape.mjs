// What a value on the wire must look like: a shape is a function that throws a Mismatch naming the place.

export class Mismatch extends Error {}

function fail(at, expected, value) {
  throw new Mismatch(`${at}: expected ${expected}, got ${JSON.stringify(value)?.slice(0, 300)}`);
}

export const int = (value, at = "$") => {
  if (!Number.isInteger(value)) fail(at, "an integer", value);
};

export const natural = (value, at = "$") => {
  if (!Number.isInteger(value) || value < 0) fail(at, "an integer from 0", value);
};

export const positive = (value, at = "$") => {
  if (!Number.isInteger(value) || value < 1) fail(at, "an integer from 1", value);
};

export const str = (value, at = "$") => {
  if (typeof value !== "string") fail(at, "a string", value);
};

export const text = (value, at = "$") => {
  if (typeof value !== "string" || value === "") fail(at, "a string that is not empty", value);
};

/** An opaque id: a string of 1 to 64 characters. */
export const id = (value, at = "$") => {
  if (typeof value !== "string" || value === "" || value.length > 64) fail(at, "an id", value);
};

export const bool = (value, at = "$") => {
  if (typeof value !== "boolean") fail(at, "true or false", value);
};

export const exactly = (wanted) => (value, at = "$") => {
  if (value !== wanted) fail(at, JSON.stringify(wanted), value);
};

export const oneOf = (...wanted) => (value, at = "$") => {
  if (!wanted.includes(value)) fail(at, `one of ${JSON.stringify(wanted)}`, value);
};

export const nullable = (shape) => (value, at = "$") => {
  if (value !== null) shape(value, at);
};

export const list = (shape, most = Infinity) => (value, at = "$") => {
  if (!Array.isArray(value)) fail(at, "a list", value);
  if (value.length > most) fail(at, `at most ${most} items`, value);
  value.forEach((item, index) => shape(item, `${at}[${index}]`));
};

export const tuple = (...shapes) => (value, at = "$") => {
  if (!Array.isArray(value) || value.length !== shapes.length) fail(at, `a list of ${shapes.length}`, value);
  shapes.forEach((shape, index) => shape(value[index], `${at}[${index}]`));
};

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

export const map = (shape, key = id) => (value, at = "$") => {
  if (!isObject(value)) fail(at, "an object", value);
  for (const [name, item] of Object.entries(value)) {
    key(name, `${at} key`);
    shape(item, `${at}.${name}`);
  }
};

/** Exactly these fields: none missing (but the optional ones), none more. */
export const object = (fields, optional = {}) => (value, at = "$") => {
  if (!isObject(value)) fail(at, "an object", value);
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(value, name)) fail(at, `a field "${name}"`, value);
  }
  for (const [name, item] of Object.entries(value)) {
    const shape = Object.hasOwn(fields, name) ? fields[name] : Object.hasOwn(optional, name) ? optional[name] : null;
    if (shape === null) fail(at, `no field "${name}"`, value);
    shape(item, `${at}.${name}`);
  }
};

/** First one shape, then another condition on the same value. */
export const both = (first, second) => (value, at = "$") => {
  first(value, at);
  second(value, at);
};

/** No number in the text of a frame is written with a point or an exponent. */
export function onlyIntegers(raw) {
  const bare = raw.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const odd = bare.match(/-?\d+[.eE][\d.eE+-]*/);
  if (odd) throw new Mismatch(`a number that is no integer: ${odd[0]} in ${raw}`);
}
