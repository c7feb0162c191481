// The host's HTTP calls, and their errors in words that help.

import { at } from "../common/root.js";
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

export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(at(path.slice(1)), {
      method,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, { message: "The server cannot be reached." });
  }
  if (!response.ok) throw new ApiError(response.status, (await response.json().catch(() => ({}))).error);
  return response;
}

export const json = async (method, path, body) => (await call(method, path, body)).json();
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
  const response = await call("GET", game(id, "/log"));
  save(await response.blob(), `${id}.jsonl`);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
