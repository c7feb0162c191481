// Where it goes when a node dies, and where it never goes; and what is other in a browser.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";
import { advance, settled, sleep, stopTheClock, World, watch } from "./lib/fake.mjs";

let world;
before(stopTheClock);
beforeEach(() => (world = new World()));
afterEach(() => world.close());

const ONE = "ws://one.example/ws";
const TWO = "ws://two.example/ws";
const THREE = "ws://three.example/ws";
const told = (...nodes) => ({ server: { nodes } });

test("when its node dies it goes on at another at once, with its session and what is unanswered", async () => {
  const { client, game, socket } = await world.playing({}, told(ONE, TWO));
  assert.deepEqual(client.urls, [ONE, TWO]);
  const call = watch(game.buy("grain", 1));
  socket.end();
  assert.ok((await world.next()) <= 260);
  assert.equal(world.socket.url, TWO);
  world.socket.greet(told(TWO, ONE)).recover();
  world.socket.ok(world.socket.last("buy"), { seq: 11 });
  await settled();
  assert.deepEqual([call.value.seq, client.failovers, world.socket.last("hello").token], [11, 1, "t1"]);
});

test("the clients of a node that died spread over all the others, and none of them goes back first", async () => {
  const seen = new Set();
  for (let times = 0; times < 40; times += 1) {
    world = new World();
    await world.playing({}, told(ONE, TWO, THREE));
    world.socket.end(1001);
    await world.next();
    seen.add(world.socket.url);
    world.close();
  }
  assert.deepEqual([...seen].sort(), [THREE, TWO].sort());
});

test("an address that was given is never forgotten, whatever the server tells", async () => {
  const { client } = await world.playing({}, told(TWO, THREE));
  assert.deepEqual(client.urls, [ONE, THREE]);
  world.socket.end();
  await world.next();
  world.socket.greet(told());
  assert.deepEqual(client.urls.includes(ONE), true);
});

test("all nodes are tried before it waits, those that failed last", async () => {
  await world.playing({}, told(ONE, TWO, THREE));
  world.socket.end();
  const tried = [];
  for (let times = 0; times < 3; times += 1) {
    assert.ok((await world.next()) <= 260);
    tried.push(world.socket.url);
    world.socket.end();
  }
  assert.deepEqual(new Set(tried), new Set([ONE, TWO, THREE]));
  assert.equal(tried[2], ONE);
});

test("from wss: it never goes to ws:, and to its own machine only if it came from there", async () => {
  const local = [
    "ws://127.0.0.1:1/ws",
    "ws://localhost:1/ws",
    "ws://a.localhost/ws",
    "ws://[::1]/ws",
    "ws://0.0.0.0/ws",
    "ws://127.1/ws",
    "ws://0x7f.1/ws",
    "ws://[::ffff:127.0.0.1]/ws",
  ];
  const { client } = await world.playing({}, told(ONE, TWO, ...local));
  assert.deepEqual(client.urls, [ONE, TWO]);
  const secure = world.client({}, "wss://one.example/ws");
  world.socket.greet(told("wss://one.example/ws", TWO, "wss://two.example/ws"));
  assert.deepEqual(secure.urls, ["wss://one.example/ws", "wss://two.example/ws"]);
  const here = world.client({}, "ws://localhost:5/ws");
  world.socket.greet(told("ws://localhost:5/ws", "ws://127.0.0.1:6/ws"));
  assert.deepEqual(here.urls, ["ws://localhost:5/ws", "ws://127.0.0.1:6/ws"]);
});

test("what is no address is passed over, and nothing breaks", async () => {
  const odd = [
    7,
    null,
    "",
    "two",
    "http//x",
    "ftp://two.example/",
    "ws://",
    "ws://me:secret@two.example/ws",
    `ws://${"x".repeat(300)}/`,
    "ws://[zz]/",
    "ws://two.example/a b",
    TWO,
  ];
  const { client, socket } = await world.playing({}, told(ONE, ...odd));
  assert.deepEqual(client.urls, [ONE, TWO]);
  socket.end();
  await world.next();
  assert.equal(world.socket.url, TWO);
});

test("a node's own name for where we are is not another node", async () => {
  const { client, socket } = await world.playing({}, told("ws://inside.example:8765/ws"));
  assert.deepEqual(client.urls, [ONE]);
  socket.end();
  await world.next();
  world.socket.greet();
  assert.equal(client.failovers, 0);
});

test("a silent node that owes an answer is left within seconds if there are others, and then avoided", async () => {
  for (let times = 0; times < 8; times += 1) {
    world = new World();
    const { game, socket } = await world.playing({}, told(ONE, TWO, THREE));
    watch(game.buy("grain", 1));
    const waited = await world.next();
    assert.ok(waited >= 4_500 && waited <= 6_500, `${waited} ms`);
    assert.equal(socket.readyState, 3);
    const second = world.socket.url;
    world.socket.greet(told(second, ONE, TWO, THREE));
    world.socket.end();
    await world.next();
    assert.ok(![ONE, second].includes(world.socket.url), `${ONE}, ${second}, ${world.socket.url}`);
    world.close();
  }
});

test("when all nodes are slow it hurries less and less from one to the next", async () => {
  const { game } = await world.playing({}, told(ONE, TWO));
  watch(game.buy("grain", 1));
  const waits = [];
  for (let times = 0; times < 3; times += 1) {
    waits.push(await world.next(30_000));
    world.socket.greet(told(world.socket.url, ONE, TWO));
  }
  assert.ok(waits[0] < 7_000 && waits[1] > 9_000 && waits[2] > waits[1], waits.join());
});

test("nodes that all send it on, over and over, are not dialled ever faster", async () => {
  await world.playing({}, told(ONE, TWO));
  let waited = 0;
  for (let times = 0; times < 12; times += 1) {
    world.socket.end(1001);
    waited += await world.next();
    world.socket.greet(told(world.socket.url, ONE, TWO)).recover();
  }
  assert.ok(waited > 5_000, `twelve in ${waited} ms`);
});

test("two addresses of one node are one node", async () => {
  const client = world.client({}, [ONE, TWO]);
  world.socket.greet({ server: { node: "n1" } });
  world.socket.end();
  await world.next();
  world.socket.greet({ server: { node: "n1" } });
  const joining = client.join("bazaar");
  world.socket.show();
  const game = await joining;
  const call = watch(game.buy("grain", 1));
  for (let times = 0; times < 100 && world.sockets.length === 2; times += 1) {
    if (world.socket.last("buy")) world.socket.refuse(world.socket.last("buy"), "unavailable");
    await advance(100);
  }
  assert.deepEqual([world.sockets.length, call.settled], [2, 0], "it went elsewhere, where there is no elsewhere");
});

test("a node that pushes news but answers nothing is left, too", async () => {
  const { game, socket } = await world.playing({}, told(ONE, TWO));
  watch(game.buy("grain", 1));
  for (let second = 0; second < 11; second += 1) {
    socket.say({ push: "presence", game: "bazaar", online: [], offline: [] });
    await advance(1_000);
  }
  assert.equal(world.sockets.length, 1);
  await advance(2_000);
  assert.equal(world.socket.url, TWO);
});

test("a node that only says it cannot is left after a second or two, if there is another", async () => {
  for (const nodes of [[ONE, TWO], [ONE]]) {
    world = new World();
    const { game, socket } = await world.playing({}, told(...nodes));
    const call = watch(game.buy("grain", 1));
    let answered = 0;
    for (let waited = 0; waited < 4_000 && world.sockets.length === 1; waited += 10) {
      if (socket.of("buy").length > answered) {
        answered = socket.of("buy").length;
        socket.refuse(socket.last("buy"), "unavailable");
      }
      await advance(10);
    }
    assert.equal(world.socket.url, nodes.at(-1));
    assert.equal(world.sockets.length, nodes.length);
    assert.equal(call.settled, 0);
    world.close();
  }
});

test("a token that an address it was only told of refuses is not believed at once", async () => {
  const { client, socket } = await world.playing({}, told(ONE, TWO));
  socket.end();
  await world.next();
  world.socket.open().refuse(world.socket.last("hello"), "unauthorized");
  assert.notEqual(client.connection.state, "stopped");
  await world.next();
  assert.equal(world.socket.url, ONE);
  world.socket.greet().recover();
  assert.equal(client.connection.state, "live");
});

test("several addresses may be given: the first that is there is taken", async () => {
  const client = world.client({}, [ONE, new URL("ws://two.example")]);
  world.socket.end();
  await world.next();
  assert.equal(world.socket.url, TWO);
  world.socket.greet();
  await client.ready;
  assert.throws(() => world.client({}, "two"), TypeError);
});

class Page extends EventTarget {
  visibilityState = "visible";
  listening = 0;

  addEventListener(...listener) {
    this.listening += 1;
    super.addEventListener(...listener);
  }

  removeEventListener(...listener) {
    this.listening -= 1;
    super.removeEventListener(...listener);
  }
}

for (const event of ["online", "offline"])
  test(`in a page, ${event}: it asks whether the server is there, and has left five seconds later`, async (context) => {
    const page = (globalThis.document = new Page());
    globalThis.addEventListener = page.addEventListener.bind(page);
    globalThis.removeEventListener = page.removeEventListener.bind(page);
    context.after(() => {
      for (const name of ["document", "addEventListener", "removeEventListener"]) delete globalThis[name];
    });
    const client = world.client({}, "wss://market.example/ws");
    world.socket.greet();
    world.socket.ok(world.socket.last("ping"), { at: Date.now() });
    const pings = world.socket.of("ping").length;
    page.dispatchEvent(new Event(event));
    assert.equal(world.socket.of("ping").length, pings + 1);
    await advance(5_500);
    assert.equal(client.connection.state, "reconnecting");
    client.close();
  });

test("in a page it stays with its origin, and acts at once when the page becomes visible", async (context) => {
  const page = (globalThis.document = new Page());
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.removeEventListener = page.removeEventListener.bind(page);
  globalThis.location = { protocol: "https:", host: "market.example" };
  context.after(() => {
    for (const name of ["document", "location", "addEventListener", "removeEventListener"]) delete globalThis[name];
  });
  const client = world.client({}, null);
  assert.equal(world.socket.url, "wss://market.example/ws");
  world.socket.greet(told("wss://market.example/ws", "wss://two.example/ws"));
  assert.deepEqual(client.urls, ["wss://market.example/ws"]);
  assert.equal(page.listening, 3);

  for (let tries = 0; tries < 8; tries += 1) {
    world.socket.end();
    if (tries < 7) await world.next();
  }
  const dialled = world.sockets.length;
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, dialled);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.sockets.length, dialled + 1);

  world.socket.greet();
  world.socket.ok(world.socket.last("ping"), { at: Date.now() });
  const pings = world.socket.of("ping").length;
  sleep(60_000);
  page.dispatchEvent(new Event("online"));
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(world.socket.of("ping").length, pings + 1);
  await advance(5_500);
  assert.equal(client.connection.state, "reconnecting");
  client.close();
  assert.equal(page.listening, 0);
});
