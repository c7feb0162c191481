// The browser's storage. It may refuse any access; then nothing is kept.

/** The stored value, or null. `kind` is "localStorage" or "sessionStorage". */
export function recall(kind, key) {
  try {
    return window[kind].getItem(key);
  } catch {
    return null;
  }
}

/** Stores a value; null removes it. */
export function remember(kind, key, value) {
  try {
    if (value === null) window[kind].removeItem(key);
    else window[kind].setItem(key, value);
  } catch {
    // private browsing
  }
}
