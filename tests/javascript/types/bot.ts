// What a bot writer does, in TypeScript: every part of the API, with the types that it promises.

import {
  type Account,
  Client,
  type Connection,
  connect,
  type Event,
  type Fill,
  type Frame,
  Game,
  type GameSummary,
  type Level,
  newKey,
  type Phase,
  type ResetFrame,
  type Standing,
  type State,
  TradeError,
} from "../../../tradegame/controller/http/site/tradegame.js";

/** Fails to compile unless the two types are the same. */
type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : never;
const same = <One, Other>(_: Same<One, Other>): void => {};

export async function bot(): Promise<void> {
  const client: Client = await connect("ws://127.0.0.1:8765/ws", { name: "ann", follow: true, deadlineMs: 5_000 });
  const again: Client = await connect({ token: client.token ?? "" });
  await connect(["ws://one/ws", new URL("ws://two/ws")], { WebSocket: class {}, connectDeadlineMs: 1_000 });
  const later = new Client("ws://127.0.0.1:8765/ws");
  same<typeof later.ready, Promise<Client>>(true);
  same<typeof client.games, Map<string, Game>>(true);
  const off: () => void = client.on("state", (connection: Connection) =>
    console.log(connection.state, connection.retryAt ?? 0),
  );
  off();
  const id: string | undefined = client.player?.id;
  const nodes: string[] = client.server?.nodes ?? client.urls;
  const games: GameSummary[] = await client.list();
  const at: number = client.now() + client.failovers + client.unanswered;

  const game: Game = await client.join("bazaar");
  await client.join("bazaar", { spectate: true, key: newKey() });
  await client.join("bazaar", { cancelOnDisconnect: true });
  const state: State = game.state;
  const best: Level | undefined = state.goods.grain?.bids[0];
  const phase: Phase = state.phase;
  const me: Account | null = game.me;
  game.on("trade", (trade, frame) => console.log(trade.price + frame.at, trade.taker === "buy"));
  game.on("news", ({ text, good }) => console.log(text, good?.length));
  game.on("presence", (online) => online.has(id ?? ""));
  game.on("gone", (error) => error.code === "unknown_game");
  try {
    const bought = await game.buy("grain", 3, { limit: 24, key: newKey() });
    same<typeof bought.cost, number>(true);
    const { order, resting } = await game.order("grain", "ask", 1, best?.[0] ?? 20);
    if (resting) console.log((await game.cancel(order)).released.cash);
    console.log(
      (await game.sell("grain", 1)).proceeds,
      (await game.say("hi", { to: "p1" })).seq,
      (await game.book("grain", 5)).last,
    );
  } catch (error) {
    if (!(error instanceof TradeError)) throw error;
    console.log(error.code, error.definite, error.retryAfterMs, error.at, error.key, error.replayed);
    if (error.became === "filled") console.log("too late");
  }
  const [fill]: Fill[] = await game.fills(1);
  console.log(fill?.trade, fill?.order, fill?.maker, (await game.orders()).done[0]?.became);
  console.log(me?.positions?.grain?.gain, me?.positions?.grain?.average_bought);
  const standings: Standing[] = await game.standings(5);
  for await (const frame of game.events()) {
    same<typeof frame, Frame | ResetFrame>(true);
    for (const event of frame.events) told(event);
    if (frame.push === "events") console.log(frame.at);
  }
  await game.leave();
  console.log(
    again,
    nodes,
    games,
    at,
    phase,
    me?.orders,
    standings,
    game.ended,
    game.epoch,
    await client.request("me", { game: "bazaar" }),
  );
  client.close();

  // @ts-expect-error a side is a bid or an ask
  await game.order("grain", "buy", 1, 1);
  // @ts-expect-error the state is to be read
  game.seq = 7;
  // @ts-expect-error there is no such event
  game.on("tick", () => {});
  // @ts-expect-error a quantity is a number
  await game.buy("grain", "3");
  // @ts-expect-error only client.join makes one
  new Game();
}

function told(event: Event): string {
  switch (event.type) {
    case "trade":
      return `${event.buyer} ${event.seller} ${event.qty}`;
    case "book":
      return String(event.bids.length + event.asks.length);
    case "mark":
      return `${event.mark} ${event.mark_source}`;
    case "joined":
      return event.name;
    case "revealed":
      return String(event.round);
    case "removed":
      return event.player;
    case "said":
      return event.text;
    case "unsaid":
      return String(event.number);
    case "access":
      return `${event.locked} ${event.chat} ${event.reports ?? false}`;
    case "round":
      return `${event.round} ${event.ends_at ?? ""} ${Object.keys(event.settled ?? {}).length}`;
    case "clock":
      return `${event.ends_at ?? ""} ${event.paused_at ?? ""}`;
    case "news":
      return event.text;
    default:
      return "an event that this bot does not know";
  }
}
