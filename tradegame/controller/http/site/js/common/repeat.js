// What goes on as long as somebody can see it.

/** Calls `call` every `ms` until `element`, which is in the document by then, is not there any more. */
export function whileShown(element, ms, call) {
  const timer = setInterval(() => (element.isConnected ? call() : clearInterval(timer)), ms);
}

const FIRST_MS = 1_000;
/** Nobody reloads a projector: so long at most, and it looks again. */
const LONGEST_MS = 10_000;

/** At least `ms` and at most twice as long, so that a class does not ask all at once; less when the network comes back. */
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

/** What `attempt` comes to, as soon as it succeeds: it is never given up. `tell` is given each error. */
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
