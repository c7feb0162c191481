// What the server says over HTTP; and when it says nothing, or somebody else does, what that means, for a person.

import { at } from "./root.js";

const PATIENCE_MS = 3_000;

/** In words for a person. `status` 0: nobody answered. */
export class NoAnswerError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.name = "NoAnswerError";
    this.status = status;
  }
}

const nobody = () =>
  navigator.onLine === false
    ? "This device is offline."
    : `No server answers at ${location.host}: it does not run, or the network between is interrupted.`;

function stranger(status) {
  const more =
    status >= 502 && status <= 504
      ? "a proxy that does not reach it. The host has to see whether the server runs."
      : "something between answers in its place.";
  return `What answers at ${location.host} (HTTP ${status}) is not the game's server, but ${more}`;
}

/** The body of an answer, which must be JSON. Throws NoAnswerError. */
export async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    throw new NoAnswerError(stranger(response.status), response.status);
  }
}

/** A request; raises NoAnswerError when nobody answers. */
export async function request(path, options = {}) {
  try {
    return await fetch(at(path), options);
  } catch {
    throw new NoAnswerError(nobody());
  }
}

/** What the server says at `path`, within 3 s. Throws NoAnswerError. */
export async function ask(path) {
  const response = await request(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = await bodyOf(response);
  if (!response.ok) throw new NoAnswerError(body.error?.message ?? stranger(response.status), response.status);
  return body;
}

/** Why there is no connection, as far as the server knows; "": from its side there could be one. */
export async function obstacle() {
  try {
    const { ok, reason, setting } = await ask(`v1/reach?origin=${encodeURIComponent(location.origin)}`);
    if (ok) return "";
    return `The server lets no connection of this page in: ${reason}${setting && !reason.includes(setting) ? `. The host has to change ${setting}` : ""}. Tell the host.`;
  } catch (error) {
    return error.message;
  }
}
