// Server addresses.

/** A page's events that tell of a network that came or went: a reason to ask whether the server is there. */
export const NETWORK = ["online", "offline"];

/**
 * Normalises a server's address to a WebSocket URL; the path defaults to `/ws`. Throws a TypeError.
 * @param {string | URL} address
 */
export function checkUrl(address) {
  const url = new URL(address);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:")
    throw new TypeError(`${address} is not a ws:// or wss:// address`);
  if (url.pathname === "/") url.pathname = "/ws";
  url.hash = "";
  return url.href;
}

/** Whether the address is on this machine. @param {string} address */
export function isLocal(address) {
  const host = new URL(address).hostname.replace(/\.$/, "");
  return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/.test(host);
}

/** The address of the page's own server. Throws a TypeError outside a browser. */
export function ownAddress() {
  if (typeof location === "undefined") throw new TypeError("outside a browser, connect() needs the server's address");
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}
