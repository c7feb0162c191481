// How long the client waits, in ms.

export const COMMAND_DEADLINE_MS = 30_000;
export const CONNECT_DEADLINE_MS = 30_000;
/** In a browser, a command that could not be sent for this long is withdrawn: the market has moved on. */
export const UNSENT_MS = 5_000;
/** If the server answered within this time, ignore a device that reports no network. */
export const REACHED_MS = 2_000;
