// What several groups of checks need.

import { Connection } from "../lib/connection.mjs";

/** A connection of a new player (or, with a token, a known one) that follows the game. */
export async function signedInAndJoined(url, game, hello = {}) {
  const connection = await Connection.signedIn(url, hello);
  connection.joined = await connection.join(game);
  return connection;
}

/** Leaves no order behind for the checks that follow. */
export async function cancelAll(connection, game) {
  const { orders } = await connection.ok("me", { game });
  for (const { order } of orders) await connection.ok("cancel", { game, order });
}

/** A key that no other check uses. */
export const newKey = () => `node-${crypto.randomUUID()}`;

/** The messages of `pushes` of one kind among what came from frame number `from` on. */
export const pushes = (connection, kind, from = 0) =>
  connection.frames.slice(from).map(({ frame }) => frame).filter((frame) => frame.push === kind);
