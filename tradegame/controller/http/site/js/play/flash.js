// A short highlight of what has just happened.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const MS = 1_200;

/** Lights an element up in a `colour` of the theme, unless the reader wants no motion. */
export function flash(element, colour) {
  if (!still.matches) element.animate([{ offset: 0, backgroundColor: `var(--${colour})` }], { duration: MS });
}
