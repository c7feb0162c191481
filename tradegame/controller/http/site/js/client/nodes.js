// Where to connect next.

import { checkUrl, isLocal } from "./addresses.js";

const MOST_NODES = 64;
const URL_LENGTH = 256;
/** How long to avoid a node that failed, if there are others; doubled at each further failure. */
const COOL_MS = 5_000;
const COOL_MOST_MS = 60_000;
/** After so many failures in a row, prefer known addresses to ones that a server listed. */
const LOYALTY = 2;

/**
 * The addresses to connect to: those given, and those listed in the last `hello`.
 *
 * They are tried in rounds: each once, then `more` is false until the next round. Until the first `hello` they are
 * tried in the given order; afterwards at random, so that the clients of a dead node spread over the others. Nodes that
 * failed recently and the one just lost come last.
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

  /** Takes the next address to try in this round. */
  next() {
    const fresh = this.urls.filter((url) => !this.#tried.has(url));
    const [[url]] = (fresh.length ? fresh : this.urls)
      .map((each) => /** @type {const} */ ([each, this.#rank(each)]))
      .sort(([, one], [, other]) => one - other);
    this.#tried.add(url);
    return url;
  }

  /** Whether some addresses are untried in this round. */
  get more() {
    return this.urls.some((url) => !this.#tried.has(url));
  }

  /** Starts a round. The node at `lost` comes last. */
  beginRound(lost = "") {
    this.#tried.clear();
    this.#lost = lost;
  }

  /** The addresses of other nodes than this one, as far as is known. @param {string} url */
  others(url) {
    return this.urls.filter((other) => !this.#same(other, url));
  }

  /** Whether there is another node that has not failed recently. @param {string} url */
  elsewhere(url) {
    return this.others(url).some((other) => this.#record(other).coolUntil <= performance.now());
  }

  /**
   * `hello` was answered at `url` by `node`, which listed the addresses `told`, its own first.
   * @param {string} url
   * @param {unknown} node
   * @param {unknown[]} told
   */
  met(url, node, told) {
    this.#met = true;
    Object.assign(this.#record(url), { proven: true, node: String(node ?? "") });
    const [own, ...rest] = told.map((address) => this.#checked(address));
    // Skip its own address, unless it is the one we used: it may be unreachable from here.
    const learned = [url, ...(own === url ? [own] : []), ...rest.filter((address) => address !== own)];
    const urls = learned.filter((address) => address !== null);
    this.urls = [...new Set([...this.given, ...urls])].slice(0, this.given.length + MOST_NODES);
    this.#know(this.urls);
  }

  /** The node was unreachable or silent, or did no useful work. @param {string} url */
  failed(url) {
    const record = this.#record(url);
    const cool = Math.min(COOL_MOST_MS, COOL_MS * 2 ** record.failures);
    record.failures += 1;
    record.coolUntil = performance.now() + (cool * (1 + Math.random())) / 2;
  }

  /** The node has worked for a while: forget its failures. @param {string} url */
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

  /** The lowest is tried first. @param {string} url */
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
   * The address if it is valid and may be used, else null.
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
    // A client that connected over TLS must not send its token in the clear.
    if (this.given.some((each) => each.startsWith("wss:")) && !url.startsWith("wss:")) return null;
    // A node behind a proxy that lists a local address means its own machine.
    return isLocal(url) && !this.given.some(isLocal) ? null : url;
  }
}
