// What the scenarios share: the client under test with a WebSocket for Node 20, and the Python test that watches them.

import { createInterface } from "node:readline";
import WebSocket from "ws";
import * as tradegame from "../../../../tradegame/controller/http/site/tradegame.js";

export const { TradeError, newKey } = tradegame;
export const [url, ...others] = process.argv.slice(2);
export const http = new URL(url).origin.replace(/^ws/, "http");

const input = createInterface({ input: process.stdin });
const answers = input[Symbol.asyncIterator]();
const clients = [];

export async function connect(name, options = {}, address = url) {
  const client = await tradegame.connect(address, { name, WebSocket, ...options });
  clients.push(client);
  return client;
}

/** Asks the test to do something, and waits until it is done. */
export async function ask(deed) {
  console.log(JSON.stringify({ do: deed }));
  const { value } = await answers.next();
  return JSON.parse(value);
}

/** The end: everything is closed, and what was found out is told. */
export function conclude(found = {}) {
  for (const client of clients) client.close();
  input.close();
  process.stdin.destroy();
  console.log(JSON.stringify(found));
}

/** Until it holds; the script as a whole has a deadline. */
export async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The host's HTTP. */
export async function host(method, path, body) {
  const token = process.env.TRADEGAME_ADMIN_TOKEN;
  const response = await fetch(http + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Collects what `game.events()` yields from now on. */
export function collect(game) {
  const frames = [];
  const reading = (async () => {
    for await (const frame of game.events()) frames.push(frame);
  })();
  return { frames, reading };
}

/** The first place where the frames are not one after another; undefined: there is none. */
export function gap(frames) {
  return frames.find(({ push, seq }, index) => push !== "events" || (index > 0 && seq !== frames[index - 1].seq + 1));
}
