// Requests to the server over HTTP, with errors that tell people what is wrong.

import { explain } from "./explain.js";
import { urlOf } from "./urls.js";
import { t } from "./words.js";

const PATIENCE_MS = 3_000;

/** `message` is for people. `status` is 0 if nothing answered. */
export class NoAnswerError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.name = "NoAnswerError";
    this.status = status;
  }
}

const nobody = () => (navigator.onLine === false ? t("outage.offline") : t("outage.nobody", { host: location.host }));

function stranger(status) {
  const proxy = status >= 502 && status <= 504;
  return t(proxy ? "outage.proxy" : "outage.stranger", { host: location.host, status: String(status) });
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
  if (!response.ok)
    throw new NoAnswerError(body.error ? explain(body.error) : stranger(response.status), response.status);
  return body;
}

/** Why the server refuses this page's WebSocket, for people; "" if it does not. */
export async function whyUnreachable() {
  try {
    const { ok, reason, setting } = await fetchJson(`v1/reach?origin=${encodeURIComponent(location.origin)}`);
    if (ok) return "";
    const remedy = setting && !reason.includes(setting);
    return t(remedy ? "outage.refused_by_setting" : "outage.refused", { reason, setting });
  } catch (error) {
    return error.message;
  }
}
