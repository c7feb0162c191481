// Where the server's pages begin: at the root of their host, or below the path under which a proxy shows them.

const root = new URL("../../../", import.meta.url); // this file is static/js/common/root.js

/** The address of what is at `path` on this server, as `v1/games`. */
export const at = (path) => new URL(path, root).href;

/** The same without its scheme, to be typed. */
export const typed = (path) => at(path).replace(/^https?:\/\//, "");

/** The page was opened under a name that means another machine on each machine. */
export const onlyHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);

/** Where its WebSocket is. */
export const socket = at("ws");
