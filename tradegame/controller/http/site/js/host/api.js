// The host's HTTP calls, with helpful errors.

import { newKey } from "../client/keys.js";
import { explain } from "../common/explain.js";
import { jsonBody, request } from "../common/server.js";
import { recall, remember } from "../common/storage.js";
import { t } from "../common/words.js";

const TOKEN = "tradegame.admin";
let token = recall("sessionStorage", TOKEN) ?? "";

const WRONG = "api.wrong_token";

/** Public paths are asked without the token: the page polls them, and each use of a wrong token counts as a guess. */
const PUBLIC = new Set(["/v1/games", "/v1/health"]);

export class ApiError extends Error {
  constructor(status, error) {
    const words = error ? explain(error) : t("api.status", { status: String(status) });
    const where = error?.at ? t("api.at", { words, at: error.at }) : words;
    const some = error?.games ? t("groups.failed", { games: error.games.join(", "), words }) : where;
    super(status === 401 ? t(WRONG) : some);
    this.status = status;
    this.at = error?.at ?? null;
    this.words = words; // without the place
    this.reason = error?.why; // with its parameters
  }
}

/** A host's commands are meant for now. A log may be long, and its tables take a while. */
const ANSWER_MS = 10_000;
const DOWNLOAD_MS = 310_000;
const SUFFIXES = {
  "application/x-ndjson": ".jsonl",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
  "application/zip": ".zip",
};

export async function call(method, path, body, patienceMs = ANSWER_MS) {
  let response;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    response = await request(path.slice(1), {
      method,
      headers: {
        ...(token && !(method === "GET" && PUBLIC.has(path)) ? { Authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "Idempotency-Key": newKey() }), // a proxy may send it twice
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: patience.signal,
    });
  } catch (error) {
    const late = method === "GET" ? "api.late" : "api.late_in_doubt";
    throw patience.signal.aborted ? new ApiError(0, { message: t(late, { count: patienceMs / 1000 }) }) : error;
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw new ApiError(response.status, (await jsonBody(response)).error);
  return response;
}

export const json = async (method, path, body) => jsonBody(await call(method, path, body));
export const game = (id, rest = "") => `/v1/games/${encodeURIComponent(id)}${rest}`;

export async function signIn(given) {
  token = given;
  try {
    if (await tokenProblem()) throw new ApiError(401);
    remember("sessionStorage", TOKEN, given);
  } catch (error) {
    token = "";
    throw error;
  }
}

export const remembered = () => token;

/** What is wrong with the token, or "". A right one never gets 429. Throws if the server does not tell. */
export async function tokenProblem() {
  try {
    await json("GET", "/v1/admin");
  } catch (error) {
    if (![401, 403, 429].includes(error.status)) throw error;
    return t(WRONG);
  }
  return "";
}

export function signOut() {
  remember("sessionStorage", TOKEN, null);
  location.reload();
}

/**
 * Saves a game's `log`, `tables` or `reports.csv`. With `pseudonyms` nobody has a name in it, and what was said is
 * there only with `chat`. `called`: what the file's name ends with.
 */
export async function download(id, what, query = {}, called = "") {
  const url = game(id, `/${what}?${new URLSearchParams(query)}`);
  const response = await call("GET", url, undefined, DOWNLOAD_MS);
  const kind = SUFFIXES[response.headers.get("content-type")] ?? "";
  const more = what.endsWith(".csv") ? `-${what}` : query.pseudonyms ? "-pseudonyms" : "";
  save(await response.blob(), `${id}${more}${called}${kind}`);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
