// Why a connection ended, for people.

import { CLOSE } from "./vocabulary.js";

/** Shown if the server gives no reason. @type {Record<number, string>} */
export const REASONS = {
  [CLOSE.GOING_AWAY]: "the server is going away",
  [CLOSE.TOO_SLOW]: "read too slowly",
  [CLOSE.HEARTBEAT_LOST]: "the connection went silent",
  [CLOSE.FULL]: "the server is full",
  [CLOSE.ABUSE]: "refused",
  [CLOSE.KICKED]: "kicked",
  [CLOSE.REVOKED]: "the session is no longer valid",
};
