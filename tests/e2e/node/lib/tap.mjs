// Named checks, one after another, each under a deadline, in the Test Anything Protocol.

export const DEADLINE_MS = Number(process.env.TRADEGAME_CHECK_DEADLINE_MS ?? 15_000);

const counts = { run: 0, failed: 0 };

/** Rejects with the name of what did not come in time. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function report(passed, name, problem) {
  counts.run += 1;
  if (!passed) counts.failed += 1;
  console.log(`${passed ? "ok" : "not ok"} ${counts.run} - ${name}`);
  if (problem !== undefined) {
    for (const line of String(problem?.stack ?? problem).split("\n")) console.log(`# ${line}`);
  }
}

/** Runs one check and prints how it went; what its body returned, or undefined if it failed. */
export async function check(name, body, deadlineMs = DEADLINE_MS) {
  try {
    const value = await within(deadlineMs, name, Promise.resolve().then(body));
    report(true, name);
    return value;
  } catch (problem) {
    report(false, name, problem);
    return undefined;
  }
}

/** A group of checks that share what they set up. If the setup fails, that is one failed check. */
export async function group(name, body) {
  console.log(`# ${name}`);
  try {
    await body();
  } catch (problem) {
    report(false, `${name}: the group ran to its end`, problem);
  }
}

/** Prints the plan; the exit code. */
export function conclude() {
  console.log(`1..${counts.run}`);
  console.log(`# ${counts.run - counts.failed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.run > 0 ? 0 : 1;
}
