// Who a client says that it is.

/** @import * as T from "../../tradegame.d.ts" */

/** The token, also of a whole personal link. @param {string} [given] */
export const tokenOf = (given) => given?.replace(/^.*#seat=/, "") ?? null;

/** Whether it is a personal link's: who has one is nobody else, even if it is not valid any more.
 * @param {string} token */
export const isLink = (token) => token.startsWith("s.");

/**
 * The fields of a `hello`. A code, or a seat's number, counts until there is a token.
 * @param {string | null} token
 * @param {T.Options} options
 */
export function who(token, { name, code, seat, robot, client }) {
  const fresh = code !== undefined ? { code } : { seat, robot: robot || undefined };
  const said = token !== null ? { token } : fresh;
  const called = token !== null && !isLink(token) ? undefined : name;
  return { ...said, name: called, client }; // JSON leaves out what is undefined
}
