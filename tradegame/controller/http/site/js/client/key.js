// Keys of commands.

/** A random key. A command sent again with the same key happens once. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
