// Doing things again.

/** Calls `call` every `ms` until `element` has left the document. */
export function whileShown(element, ms, call) {
  const timer = setInterval(() => (element.isConnected ? call() : clearInterval(timer)), ms);
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
