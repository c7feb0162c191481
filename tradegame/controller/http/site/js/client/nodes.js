// Where to connect next.

import { checkUrl, isLocal } from "./addresses.js";

const MOST_NODES = 64;
const URL_LENGTH = 256;
/** So long a node that failed is passed over while there are others; twice as long each time that it fails again. */
const COOL_MS = 5_000;
const COOL_MOST_MS = 60_000;
/** When so many others have failed in a row, it is rather where we have been before than where we were sent. */
const LOYALTY = 2;

/**
 * The addresses that were given, always, and those that the last `hello` told.
 *
 * They are tried in rounds: each once, then `more` is false until the next round. Before any node was ever met, in the
 * order in which they were given; after that at random, so that the clients of a node that died spread over all the
 * others; those that failed lately and the one just lost come last.
 */
export class Nodes {
  /** @type {Map<string, {node: string, proven: boolean, failures: number, coolUntil: number}>} */
  #records = new Map();
  #met = false;
  /** @type {Set<string>} */
  #tried = new Set();
  #lost = "";

  /** @param {string[]} given */
  constructor(given) {
    this.given = [...new Set(given)];
    this.urls = this.given;
    this.#know(this.given);
  }

  /** The address to try now. It counts as tried in this round. */
  next() {
    const fresh = this.urls.filter((url) => !this.#tried.has(url));
    const [[url]] = (fresh.length ? fresh : this.urls)
      .map((each) => /** @type {const} */ ([each, this.#rank(each)]))
      .sort(([, one], [, other]) => one - other);
    this.#tried.add(url);
    return url;
  }

  /** Whether some were not tried in this round yet. */
  get more() {
    return this.urls.some((url) => !this.#tried.has(url));
  }

  /** All may be tried again; the node at `lost` after the others. */
  beginRound(lost = "") {
    this.#tried.clear();
    this.#lost = lost;
  }

  /** The addresses that lead to other nodes than this one does, as far as is known. @param {string} url */
  others(url) {
    return this.urls.filter((other) => !this.#same(other, url));
  }

  /** Whether there is another node that has not failed lately. @param {string} url */
  elsewhere(url) {
    return this.others(url).some((other) => this.#record(other).coolUntil <= performance.now());
  }

  /**
   * `hello` was answered at `url` by `node`, and these are the addresses it told: its own first.
   * @param {string} url
   * @param {unknown} node
   * @param {unknown[]} told
   */
  met(url, node, told) {
    this.#met = true;
    Object.assign(this.#record(url), { proven: true, node: String(node ?? "") });
    const [own, ...rest] = told.map((address) => this.#checked(address));
    // Its own name for where we are: by another one than ours it may not be reached from here.
    const learned = [url, ...(own === url ? [own] : []), ...rest.filter((address) => address !== own)];
    const urls = learned.filter((address) => address !== null);
    this.urls = [...new Set([...this.given, ...urls])].slice(0, this.given.length + MOST_NODES);
    this.#know(this.urls);
  }

  /** It could not be reached, was silent, or did not do what it was asked. @param {string} url */
  failed(url) {
    const record = this.#record(url);
    const cool = Math.min(COOL_MOST_MS, COOL_MS * 2 ** record.failures);
    record.failures += 1;
    record.coolUntil = performance.now() + (cool * (1 + Math.random())) / 2;
  }

  /** It served us well for a while: what was before is forgiven. @param {string} url */
  steady(url) {
    Object.assign(this.#record(url), { failures: 0, coolUntil: -Infinity });
  }

  /** @param {string} url */
  #record(url) {
    return this.#records.get(url) ?? { node: "", proven: false, failures: 0, coolUntil: -Infinity };
  }

  /** @param {string[]} urls */
  #know(urls) {
    this.#records = new Map(urls.map((url) => [url, this.#record(url)]));
  }

  /** The lowest goes first. @param {string} url */
  #rank(url) {
    const { coolUntil, proven } = this.#record(url);
    const tried = this.#tried.size;
    const cooling = coolUntil > performance.now();
    const lost = tried < LOYALTY && this.#same(url, this.#lost);
    const strange = tried >= LOYALTY && !proven && !this.given.includes(url);
    return (
      8 * Number(cooling) +
      4 * Number(lost) +
      2 * Number(strange) +
      (this.#met ? Math.random() : this.urls.indexOf(url) / this.urls.length)
    );
  }

  /** @param {string} one @param {string} other */
  #same(one, other) {
    const { node } = this.#record(one);
    return one === other || (node !== "" && node === this.#record(other).node);
  }

  /**
   * An address that we may go to; null when it is none.
   * @param {unknown} address
   * @returns {string | null}
   */
  #checked(address) {
    if (typeof address !== "string" || address.length > URL_LENGTH || !/^wss?:\/\/[!-?A-~]+$/.test(address))
      return null;
    let url;
    try {
      url = checkUrl(address);
    } catch {
      return null;
    }
    // Who came over TLS does not say its token in the clear.
    if (this.given.some((each) => each.startsWith("wss:")) && !url.startsWith("wss:")) return null;
    // A node behind a proxy means its own machine, not ours.
    return isLocal(url) && !this.given.some(isLocal) ? null : url;
  }
}
