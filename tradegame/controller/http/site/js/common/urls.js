// The server's URLs. A proxy may serve the pages below a path of its own.

const root = new URL("../../../", import.meta.url); // this file is static/js/common/urls.js

/** The URL of a `path` such as `v1/games`. */
export const urlOf = (path) => new URL(path, root).href;

/** The same without its scheme, for people to type. */
export const shortUrl = (path) => urlOf(path).replace(/^https?:\/\//, "");

/** Whether this page's address works on this machine only. */
export const onLocalhost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);

/** The URL of the WebSocket. */
export const socketUrl = urlOf("ws");
