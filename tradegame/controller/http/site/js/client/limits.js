// How long the client waits, in ms.

export const COMMAND_DEADLINE_MS = 30_000;
export const CONNECT_DEADLINE_MS = 30_000;
/** In a browser, a command that could not be sent for this long is withdrawn: by then the market is another one. */
export const UNSENT_MS = 5_000;
/** A device that reports no network is wrong if the server answered within this time. */
export const REACHED_MS = 2_000;
