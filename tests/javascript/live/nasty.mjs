// A server that is none, over real sockets: whatever it does, the client neither breaks nor keeps the process alive.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import { connect } from "../../../tradegame/controller/http/site/tradegame.js";

const ACCOUNT = { cash: 1, held_cash: 0, goods: {}, held_goods: {}, orders: [], worth: 1 };
const STATE = { phase: "open", round: 1, ends_at: null, goods: {}, players: {}, messages: [], news: [], settled: {} };
const web = createServer();
const server = new WebSocketServer({ noServer: true, handleProtocols: () => "tradegame.v1" });
let refuses = 2;
web.on("upgrade", (request, socket, head) => {
  if (refuses-- > 0) socket.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  else server.handleUpgrade(request, socket, head, (connection) => server.emit("connection", connection));
});
web.listen(0, "127.0.0.1");
await once(web, "listening");
const url = `ws://127.0.0.1:${web.address().port}`;

/** What it does to the client of that number, when it is to buy something for the first time. */
const deeds = [
  (socket) => socket.send("null"),
  (socket) => socket.send(Buffer.from('{"push":"events"}'), { binary: true }),
  (socket) => socket.send("\u0000{"),
  (socket) => socket.send('{"push":"events","game":"bazaar","epoch":"e1","seq":2,"at":1,"events":[{"type":"trade"}]}'),
  (socket) => socket._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff])),
  (socket) => socket.close(1001),
  (socket) => socket.close(4002),
  (socket) => socket._socket.destroy(),
];
const bought = deeds.map(() => []);
server.on("connection", (socket) => {
  let number;
  socket.on("error", () => {});
  socket.on("message", (text) => {
    const { id, op, key, name, token } = JSON.parse(text);
    if (op === "hello") number = Number(token ?? name);
    const ok = {
      hello: {
        player: { id: "p1", name: "ann" },
        token: String(number),
        expires_s: 9,
        server: { heartbeat_s: 20, frame_bytes: 16_384 },
      },
      join: { game: "bazaar", epoch: "e1", seq: 1, recovered: false, state: STATE, me: ACCOUNT },
      ping: { at: Date.now() },
      buy: { filled: 1, cost: 1, fee: 0, cash: 1, seq: 1 },
    }[op];
    if (op === "buy" && bought[number].push(key) === 1) deeds[number](socket);
    else socket.send(JSON.stringify({ id, ok }));
  });
});

console.warn = () => {};
async function suffers(number) {
  const client = await connect(url, { name: String(number), WebSocket });
  const game = await client.join("bazaar");
  let settled = 0;
  await game.buy("grain", 1).finally(() => (settled += 1));
  assert.deepEqual([settled, bought[number].length, new Set(bought[number]).size], [1, 2, 1], `deed ${number}`);
  return client;
}
const clients = await Promise.all(deeds.map((_, number) => suffers(number)));

// Nobody there: connect says so. Somebody who never says a word: the process is not kept alive for it.
const mute = createTcpServer().listen(0, "127.0.0.1");
await once(mute, "listening");
const nowhere = `ws://127.0.0.1:${mute.address().port}`;
await assert.rejects(connect(nowhere, { WebSocket, connectDeadlineMs: 300 }), { code: "unreachable" });
for (const socket of server.clients) socket._socket.removeAllListeners("data").pause(); // it says no goodbye either
for (const client of clients) client.close();
mute.close();
web.close();
const began = Date.now();
process.on("exit", () => console.log(JSON.stringify({ lingered_ms: Date.now() - began })));
