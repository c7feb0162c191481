// Requests to the server over HTTP, with errors that tell people what is wrong.

import { urlOf } from "./urls.js";

const PATIENCE_MS = 3_000;

/** `message` is for people. `status` is 0 if nothing answered. */
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

/** The JSON body of a response. Throws NoAnswerError if it is not JSON. */
export async function jsonBody(response) {
  try {
    return await response.json();
  } catch {
    throw new NoAnswerError(stranger(response.status), response.status);
  }
}

/** Sends a request to `path`. Throws NoAnswerError if nothing answers. */
export async function request(path, options = {}) {
  try {
    return await fetch(urlOf(path), options);
  } catch {
    throw new NoAnswerError(nobody());
  }
}

/** The JSON at `path`, within 3 s. Throws NoAnswerError. */
export async function fetchJson(path) {
  const response = await request(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = await jsonBody(response);
  if (!response.ok) throw new NoAnswerError(body.error?.message ?? stranger(response.status), response.status);
  return body;
}

/** Why the server refuses this page's WebSocket, for people; "" if it does not. */
export async function whyUnreachable() {
  try {
    const { ok, reason, setting } = await fetchJson(`v1/reach?origin=${encodeURIComponent(location.origin)}`);
    if (ok) return "";
    const remedy = setting && !reason.includes(setting) ? `. The host has to change ${setting}` : "";
    return `The server refuses this page's connection: ${reason}${remedy}. Tell the host.`;
  } catch (error) {
    return error.message;
  }
}
