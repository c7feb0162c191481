// Doing things again.

/** Calls `call` every `ms` until `element` has left the document. */
export function whileShown(element, ms, call) {
  const timer = setInterval(() => (element.isConnected ? call() : clearInterval(timer)), ms);
}

/**
 * Calls `ask` every `ms` while it matters: its page and `element` are in sight, and `client` is connected. One call at
 * a time, and one that fails is made again soon. Returns the function that calls it now, under the same conditions.
 */
export function askWhileSeen(client, element, ms, ask, inSight = () => element.offsetParent !== null) {
  let asking = false;
  async function now() {
    if (asking || document.visibilityState === "hidden" || client.connection.state !== "live" || !inSight()) return;
    asking = true;
    try {
      await ask();
    } catch {
      // the connection's status shows the problem
    } finally {
      asking = false;
    }
  }
  whileShown(element, ms, now);
  return now;
}

const FIRST_MS = 1_000;
/** Never longer, since nobody reloads a projector. */
const LONGEST_MS = 10_000;

/** Waits a random time from `ms` to twice that, to spread a class; less if the network comes back. */
export function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms * (1 + Math.random()));
    addEventListener("online", done);
  });
}

/** Retries `attempt` until it succeeds, and returns its result. Calls `tell` with each error. */
export async function keepTrying(attempt, tell) {
  for (let ms = FIRST_MS; ; ms = Math.min(LONGEST_MS, ms * 2)) {
    try {
      return await attempt();
    } catch (error) {
      tell(error);
    }
    await pause(ms / 2);
  }
}
