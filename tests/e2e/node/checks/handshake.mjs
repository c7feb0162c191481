// Subprotocol, origin, compression, and the close codes that come at once.

import assert from "node:assert/strict";
import { Connection, refused } from "../lib/connection.mjs";
import { check, within } from "../lib/tap.mjs";

const closeOf = (connection) => within(8_000, "the close", connection.closed);

export async function handshake({ url, http }) {
  await check("the subprotocol tradegame.v1 is selected when it is offered", async () => {
    const connection = await Connection.open(url);
    assert.equal(connection.socket.protocol, "tradegame.v1");
    await connection.close();
  });

  await check("tradegame.v1 is selected among others that are offered", async () => {
    const connection = await Connection.open(url, { protocols: ["tradegame.v9", "tradegame.v1", "chat"] });
    assert.equal(connection.socket.protocol, "tradegame.v1");
    await connection.close();
  });

  await check("with no subprotocol offered none is selected and v1 is spoken", async () => {
    const connection = await Connection.open(url, { protocols: [] });
    assert.equal(connection.socket.protocol, "");
    await connection.ok("ping");
    await connection.ok("hello");
    await connection.close();
  });

  await check("only unknown subprotocols are refused with HTTP 400 and a body that says why", async () => {
    const { status, body } = await refused(url, ["tradegame.v2", "chat"]);
    assert.equal(status, 400);
    assert.ok(body.includes("tradegame.v1"), `the body does not say what is spoken: ${JSON.stringify(body)}`);
  });

  await check("a foreign Origin is refused with HTTP 403", async () => {
    for (const origin of ["https://elsewhere.example", "null"]) {
      const { status } = await refused(url, ["tradegame.v1"], { origin });
      assert.equal(status, 403, origin);
    }
  });

  await check("the server's own Origin is welcome", async () => {
    const connection = await Connection.open(url, { origin: new URL(http).origin });
    await connection.ok("ping");
    await connection.close();
  });

  await check("no compression is agreed on, though it is offered", async () => {
    const connection = await Connection.open(url, { perMessageDeflate: true });
    assert.equal(connection.socket.extensions, "");
    await connection.close();
  });

  await check("a clean close is answered in kind", async () => {
    const connection = await Connection.signedIn(url);
    assert.equal((await connection.close()).code, 1000);
  });

  await check("a binary frame closes with 1003", async () => {
    const connection = await Connection.signedIn(url);
    connection.socket.send(Buffer.from('{"id": 1, "op": "ping"}'));
    const { code, reason } = await closeOf(connection);
    assert.equal(code, 1003);
    assert.notEqual(reason, "", "the close has a reason");
  });

  await check("a frame of 16 KiB is taken", async () => {
    const connection = await Connection.open(url);
    const request = '{"id":"wide","op":"ping"}';
    const reply = await connection.requestText(request + " ".repeat(16 * 1024 - request.length), "wide");
    assert.ok(reply.ok);
    await connection.close();
  });

  await check("a frame of 16 KiB and a byte closes with 1009", async () => {
    const connection = await Connection.open(url);
    connection.send('{"id":1,"op":"ping"}'.padEnd(16 * 1024 + 1));
    assert.equal((await closeOf(connection)).code, 1009);
  });

  await check("20 bad requests in a row close with 4500, and each is answered before", async () => {
    const connection = await Connection.signedIn(url);
    const from = connection.frames.length;
    for (let i = 0; i < 20; i += 1) connection.send("no JSON");
    assert.equal((await closeOf(connection)).code, 4500);
    const answers = connection.frames.slice(from).map(({ frame }) => frame);
    assert.ok(answers.length >= 19, `${answers.length} answers`);
    for (const { id, error } of answers) {
      assert.equal(id, null);
      assert.equal(error.code, "bad_request");
    }
  });

  await check("a good request between bad ones starts the count afresh", async () => {
    const connection = await Connection.signedIn(url);
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < 19; i += 1) connection.send("no JSON");
      await connection.ok("ping");
    }
    await connection.close();
  });
}

/** Starts what takes the server seconds; the returned function checks how it went. */
export function patience({ url }) {
  const started = Date.now();
  const silent = Connection.open(url, { protocols: [] }).then(async (connection) => {
    const { code } = await connection.closed;
    return { code, after: Date.now() - started };
  });
  const mute = Connection.open(url, { autoPong: false }).then(async (connection) => {
    const { server } = await connection.ok("hello");
    const { code } = await connection.closed;
    return { code, heartbeatS: server.heartbeat_s, pings: connection.pings };
  });
  silent.catch(() => {});
  mute.catch(() => {});

  return async (heartbeatS) => {
    await check("no hello within 10 s closes with 4004", async () => {
      const { code, after } = await within(20_000, "the close", silent);
      assert.equal(code, 4004);
      assert.ok(after >= 9_500 && after < 15_000, `after ${after} ms`);
    }, 25_000);
    if (heartbeatS > 5) return;
    await check("a client that answers no ping is closed with 4002", async () => {
      const { code, pings } = await within(3_000 * heartbeatS, "the close", mute);
      assert.equal(code, 4002);
      assert.ok(pings >= 1, "it was pinged");
    }, 20_000);
  };
}
