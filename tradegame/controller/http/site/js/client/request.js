// One request, and what may be said of it.

import { TradeError } from "./errors.js";

/**
 * @typedef {object} Request
 * @property {number} id
 * @property {string} op
 * @property {string} frame
 * @property {string | null} key
 * @property {string} game
 * @property {boolean} lasting sent again on the next connection if this one ends without an answer
 * @property {boolean} flying on this connection, and not answered yet
 * @property {boolean} doubt an earlier sending of it may have been carried out
 * @property {number} tries
 * @property {number} age in ticks, since it was sent last
 * @property {number} sentAt
 * @property {number} until
 * @property {number} askedAt on performance.now()
 * @property {number} askedOn by the machine's clock: it goes on while the machine sleeps
 * @property {number} unsentMs
 * @property {boolean} voiding what flies is not itself: it only takes the key
 * @property {boolean} happened its key is known: sent again, it gets the first result
 * @property {(ok: any, error: TradeError | null) => void} settle
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {ReturnType<typeof setTimeout> | undefined} retry
 * @property {ReturnType<typeof setTimeout> | undefined} withdrawal
 */

/** @param {Request} request */
export function unsure({ flying, doubt }) {
  return flying || doubt;
}

/** Too long ago to happen now. @param {Request} request */
export function late({ askedAt, askedOn, unsentMs }) {
  return Math.max(performance.now() - askedAt, Date.now() - askedOn) >= unsentMs;
}

/** @param {Request} request */
export function withdrawn({ op, unsentMs, key }) {
  return new TradeError({
    code: "unsent",
    message: `the ${op} could not be sent within ${unsentMs / 1000} s: it was withdrawn, and nothing happened`,
    key,
  });
}

/** @param {string} message @param {Request} request */
export function closed(message, request) {
  return new TradeError({ code: "closed", message, definite: !unsure(request), key: request.key });
}
