// One request.

import { TradeError } from "./errors.js";

/**
 * @typedef {object} Request
 * @property {number} id
 * @property {string} op
 * @property {Record<string, unknown>} fields all that it says but `id`, `op`, `since` and `epoch`
 * @property {string | null} key
 * @property {number | undefined} since
 * @property {string | undefined} epoch of the game, with `since` the same in every copy that may be carried out
 * @property {boolean} made the key is this client's own
 * @property {boolean} given the caller said `since`: copies may have been sent from elsewhere
 * @property {string} game
 * @property {boolean} lasting sent again on the next connection if this one ends without an answer
 * @property {boolean} flying sent on this connection, and not answered yet
 * @property {boolean} doubt an earlier attempt may have been carried out
 * @property {number} tries
 * @property {number} age ticks since it was last sent
 * @property {number} sentAt
 * @property {number} until
 * @property {number} askedAt by performance.now()
 * @property {number} askedOn by the machine's clock, which keeps running while the machine sleeps
 * @property {number} unsentMs
 * @property {boolean} voiding sent in its place: a command that does nothing but use up its key
 * @property {boolean} happened the server knows its key: sent again, it gets the first result
 * @property {(ok: any, error: TradeError | null) => void} settle
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {ReturnType<typeof setTimeout> | undefined} retry
 * @property {ReturnType<typeof setTimeout> | undefined} withdrawal
 */

/** What every copy of it says. @param {Request} request */
export function copyOf({ key, since, epoch }) {
  return { key, since, epoch };
}

/** Whether it may have been carried out. @param {Request} request */
export function unsure({ flying, doubt }) {
  return flying || doubt;
}

/** Whether it is too old to happen now. @param {Request} request */
export function late({ askedAt, askedOn, unsentMs }) {
  return Math.max(performance.now() - askedAt, Date.now() - askedOn) >= unsentMs;
}

/** @param {Request} request */
export function withdrawn(request) {
  const { op, unsentMs } = request;
  return new TradeError({
    code: "unsent",
    message: `the ${op} could not be sent within ${unsentMs / 1000} s: it was withdrawn, and nothing happened`,
    ...copyOf(request),
  });
}

/** @param {string} message @param {Request} request */
export function closed(message, request) {
  return new TradeError({ code: "closed", message, definite: !unsure(request), ...copyOf(request) });
}
