// How others get to a game: an address to type, and its QR code.

import { h, setText } from "./dom.js";
import { fetchJson } from "./server.js";
import { onLocalhost, shortUrl, urlOf } from "./urls.js";
import { t } from "./words.js";

/**
 * Tells how to join the game with this `id`. `address` and `card`, which says `words` and has the QR code, make an
 * element each time they are called; `told` is what the server says: `{url, here_only}`. It knows an address for others
 * where this page's own is of no use to them.
 */
export function invitation(id) {
  const path = `v1/games/${encodeURIComponent(id)}/invitation`;
  const own = `?game=${encodeURIComponent(id)}`;
  const told = fetchJson(path).catch(() => ({ url: urlOf(own), here_only: onLocalhost }));
  function address() {
    const shown = h("p.address", { dir: "ltr" }, shortUrl(own));
    void told.then(({ url }) => setText(shown, url.replace(/^https?:\/\//, "")));
    return shown;
  }
  function card(words, ...below) {
    const qr = h("img.qr", { src: urlOf(`${path}.svg`), alt: t("invitation.qr"), width: 160, height: 160 });
    qr.onerror = () => qr.remove();
    return h("div.invitation", {}, h("div", {}, h("p.soft", {}, words), address(), ...below), qr);
  }
  return { told, address, card };
}
