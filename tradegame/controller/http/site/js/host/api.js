// The host's HTTP calls, and their errors in words that help.

import { bodyOf, request } from "../common/reach.js";
import { recall, remember } from "../common/storage.js";

const TOKEN = "tradegame.admin";
let token = recall("sessionStorage", TOKEN) ?? "";

const HELP = {
  401: "That is not the admin token of this server.",
};

export class ApiError extends Error {
  constructor(status, error) {
    const at = error?.at ? ` (${error.at})` : "";
    super(HELP[status] ?? `${error?.message ?? `the server answered ${status}`}${at}`);
    this.status = status;
  }
}

/** Nothing is waited for longer: what a host presses is meant for now. A log may be long. */
const ANSWER_MS = 10_000;
const LOG_MS = 120_000;

export async function call(method, path, body, patienceMs = ANSWER_MS) {
  let response;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    response = await request(path.slice(1), {
      method,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: patience.signal,
    });
  } catch (error) {
    const late = method === "GET" ? "" : " Whether it happened is not known: look before you press again.";
    throw patience.signal.aborted ? new ApiError(0, { message: `The server did not answer in ${patienceMs / 1000} s.${late}` }) : error;
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw new ApiError(response.status, (await bodyOf(response)).error);
  return response;
}

export const json = async (method, path, body) => bodyOf(await call(method, path, body));
export const game = (id, rest = "") => `/v1/games/${encodeURIComponent(id)}${rest}`;

export async function signIn(given) {
  token = given;
  try {
    await json("GET", "/v1/admin");
    remember("sessionStorage", TOKEN, given);
  } catch (error) {
    token = "";
    throw error;
  }
}

export const remembered = () => token;

export function signOut() {
  remember("sessionStorage", TOKEN, null);
  location.reload();
}

export async function download(id) {
  const response = await call("GET", game(id, "/log"), undefined, LOG_MS);
  save(await response.blob(), `${id}.jsonl`);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
