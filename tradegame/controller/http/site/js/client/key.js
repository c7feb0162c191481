// Keys of commands.

/** A key that nobody else makes: the same key sent again has one effect. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
