// A market maker: it bids a little below the last price of every good and asks a little above, and lives on the
// difference. The more it holds of a good, the lower it quotes, so that it neither fills up nor runs out.
//
//     node docs/examples/bot.mjs ws://127.0.0.1:8765/ws [game] [name]
//
// Node 22 or newer needs nothing else. Node 20 has no WebSocket: run `npm install ws` beside this file.
// The client comes from the server's /tradegame.js, so it always fits the server's version. This runs code that the
// server sends: trust the server, or save the file (and its types, /tradegame.d.ts) and import that instead.

const [url = "ws://127.0.0.1:8765/ws", id = "bazaar", name = "maker"] = process.argv.slice(2);
const WIDTH = 2; // coins from the price to each quote
const SIZE = 3; // units a quote
const MOST = 12; // units that it will hold of one good

// The message alone: the stack trace of a module from a `data:` URL would repeat the whole module.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});

const source = await (await fetch(new URL("/tradegame.js", url.replace(/^ws/, "http")))).text();
const { TradeError, connect } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;

const client = await connect(url, { name, WebSocket });
const game = await client.join(id);
console.log(`${client.player.name} has ${game.me.cash} coins in ${game.state.title || id}`);
game.on("trade", ({ good, qty, price, buyer, seller }) => {
  if (buyer === client.player.id) console.log(`bought ${qty} ${good} at ${price}`);
  if (seller === client.player.id) console.log(`sold ${qty} ${good} at ${price}`);
});

/** The quotes that should stand in a good now: `[side, price]`. */
function wanted(good) {
  const { last } = game.state.goods[good];
  if (last === null || game.state.phase !== "open") return []; // its worth is unknown, or the market is closed
  const held = game.me.goods[good] + game.me.held_goods[good];
  const fair = last - Math.round((held * WIDTH) / MOST);
  const quotes = [];
  if (held + SIZE <= MOST) quotes.push(["bid", Math.max(1, fair - WIDTH)]);
  if (held >= SIZE) quotes.push(["ask", Math.max(2, fair + WIDTH)]);
  return quotes;
}

/** Cancels stale quotes and places missing ones. `game.me` is up to date after each answer. */
async function requote(good) {
  const quotes = wanted(good);
  const standing = game.me.orders.filter((order) => order.good === good);
  const stale = standing.filter(({ side, price }) => !quotes.some(([which, at]) => side === which && price === at));
  for (const { order } of stale) await game.cancel(order);
  for (const [side, price] of quotes) {
    if (!standing.some((order) => order.side === side && order.price === price))
      await game.order(good, side, SIZE, price);
  }
}

// Something happened: look at every good. Frames queue up while the orders are answered, but `game.state` is always the
// latest.
for await (const _ of game.events()) {
  for (const good of Object.keys(game.state.goods)) {
    await requote(good).catch((error) => {
      if (!(error instanceof TradeError)) throw error;
      console.log(`${good}: ${error.message}`); // too poor, too late, closed: the error tells
    });
  }
}
console.log(`the end: ${client.connection.reason}`);
