// What a browser keeps for a page. It may refuse even to be asked: then it lasts as long as the page.

/** `kind` is "localStorage" or "sessionStorage"; null where nothing is kept. */
export function recall(kind, key) {
  try {
    return window[kind].getItem(key);
  } catch {
    return null;
  }
}

/** `value` null forgets it. */
export function remember(kind, key, value) {
  try {
    if (value === null) window[kind].removeItem(key);
    else window[kind].setItem(key, value);
  } catch {
    // private browsing
  }
}
