// Holds tradegame.d.ts against what the compiler sees in tradegame.js itself. The test copies the three into one
// directory, the client under another name: else the compiler would look at its types in its place.

import * as real from "./client.js";
import type * as said from "./tradegame.js";

/** Fails to compile unless the two types are the same. */
type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : never;
const same = <One, Other>(_: Same<One, Other>): void => {};
/** What begins with an underscore is the client's own business. */
type Public<Thing> = Exclude<keyof Thing, `_${string}`>;

// No export and no member is missing, and there is none that nobody is told of.
same<keyof typeof real, keyof typeof said>(true);
same<Public<real.Client>, keyof said.Client>(true);
same<Public<real.Game>, keyof said.Game>(true);
same<Public<real.TradeError>, keyof said.TradeError>(true);

// And each can be used as it is told.
export const uses = (
  client: real.Client,
  game: real.Game,
  error: real.TradeError,
): [said.Client, said.Game, said.TradeError] => [client, game, error];
export const connect: typeof said.connect = real.connect;
export const newKey: typeof said.newKey = real.newKey;
export const makesErrors: typeof said.TradeError = real.TradeError;
export const makesClients: typeof said.Client = real.Client;
