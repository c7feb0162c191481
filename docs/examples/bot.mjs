// A market maker: it bids a little below the last price of every good and asks a little above, and lives on the
// difference. The more it holds of a good, the lower it quotes, so that it neither fills up nor runs out.
//
//     node docs/examples/bot.mjs ws://127.0.0.1:8765/ws [game] [name]
//
// Nothing to install with Node 22 or newer; Node 20 has no WebSocket of its own: `npm install ws`, beside this file.
// The client is the server's own, from /tradegame.js: a bot is always of the version that it plays against. That runs
// what the server sends, so play where you trust it; or save the file (and /tradegame.d.ts, its types) and import that.

const [url = "ws://127.0.0.1:8765/ws", id = "bazaar", name = "maker"] = process.argv.slice(2);
const WIDTH = 2; // coins from the price to each quote
const SIZE = 3; // units a quote
const MOST = 12; // units that it will hold of one good

// Said in a line: the stack trace of a module that came as a `data:` URL would repeat all of it.
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
  if (last === null || game.state.phase !== "open") return []; // nobody knows what it is worth, or nobody trades
  const held = game.me.goods[good] + game.me.held_goods[good];
  const fair = last - Math.round((held * WIDTH) / MOST);
  const quotes = [];
  if (held + SIZE <= MOST) quotes.push(["bid", Math.max(1, fair - WIDTH)]);
  if (held >= SIZE) quotes.push(["ask", Math.max(2, fair + WIDTH)]);
  return quotes;
}

/** Takes back what should not stand, and places what is missing. `game.me` is up to date after each answer. */
async function requote(good) {
  const quotes = wanted(good);
  const standing = game.me.orders.filter((order) => order.good === good);
  const stale = standing.filter(({ side, price }) => !quotes.some(([which, at]) => side === which && price === at));
  for (const { order } of stale) await game.cancel(order);
  for (const [side, price] of quotes) {
    if (!standing.some((order) => order.side === side && order.price === price)) await game.order(good, side, SIZE, price);
  }
}

// Something happened: look at every good. While the orders are answered, frames wait; however long it took, `game.state`
// is the present.
for await (const _ of game.events()) {
  for (const good of Object.keys(game.state.goods)) {
    await requote(good).catch((error) => {
      if (!(error instanceof TradeError)) throw error;
      console.log(`${good}: ${error.message}`); // too poor, too late, closed: the server says which
    });
  }
}
console.log(`the end: ${client.connection.reason}`);
