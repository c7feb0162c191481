// Loads server.mjs and prints what it cost that server's process.
// node load.mjs PORT PID say|buy|idle CLIENTS SECONDS [SAYS_PER_SECOND]
import { Client } from '@colyseus/sdk';
import fs from 'node:fs';

const [, , port, pid, job, clients, seconds, pace = '50'] = process.argv;
const stat = () => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
const cpu = () => (+stat()[11] + +stat()[12]) / 100;
const rss = () => +/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
const sleep = s => new Promise(r => setTimeout(r, s * 1000));
const percentile = (xs, p) => xs.sort((a, b) => a - b)[Math.floor((xs.length - 1) * p)];

const before = rss(), rooms = [];
for (let i = 0; i < +clients; i++) {
  const room = await new Client(`ws://127.0.0.1:${port}`).joinOrCreate('bazaar');
  room.onMessage('*', () => {});
  rooms.push(room);
}
await sleep(1);
const out = { server: 'colyseus', job, clients: +clients, kib_per_connection: +((rss() - before) / clients).toFixed(1) };
const latency = [];
let done = 0, sent = 0, on = true;
const cpu0 = cpu(), t0 = performance.now();
if (job === 'say') {
  for (const [i, room] of rooms.entries())
    room.onMessage('said', m => { done++; if (i % 50 === 0) latency.push(performance.now() - +m.text.slice(0, 20)); });
  while (performance.now() - t0 < seconds * 1000) {
    rooms[0].send('say', { text: String(performance.now()).padEnd(20).padEnd(200, 'x') }); sent++;
    await sleep(Math.max(0, (t0 + sent * 1000 / pace - performance.now()) / 1000));
  }
  await sleep(1);
} else if (job === 'buy') {
  for (const room of rooms) {
    let id = 0, at = 0;
    const buy = () => { at = performance.now(); room.send('buy', { id: ++id, game: 'bazaar', good: 'grain', qty: 1, key: 'k-' + id }); };
    room.onMessage('ok', () => { done++; latency.push(performance.now() - at); if (on) buy(); });
    buy();
  }
  await sleep(+seconds); on = false;
} else await sleep(+seconds);
const wall = (performance.now() - t0) / 1000, used = cpu() - cpu0;
if (done) Object.assign(out, { per_second: Math.round(done / wall), cpu_us_each: +(used / done * 1e6).toFixed(2),
  p50_ms: +percentile(latency, .5).toFixed(2), p99_ms: +percentile(latency, .99).toFixed(2) });
if (job === 'say') out.delivered = +(done / (sent * clients)).toFixed(4);
console.log(JSON.stringify(out));
process.exit(0);
