// A Colyseus room that does tradegame's job, in memory: buy at a posted price, say to everyone.
// node server.mjs PORT
import { Server, Room } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';

class Bazaar extends Room {
  onCreate() {
    this.maxClients = 100000;
    this.goods = { grain: { price: 10, stock: 1e12 } };
    this.accounts = new Map();
    this.seq = 0;
    this.onMessage('say', (client, m) =>
      this.broadcast('said', { seq: ++this.seq, player: client.sessionId, text: m.text }));
    this.onMessage('buy', (client, m) => {
      const account = this.accounts.get(client.sessionId), good = this.goods[m.good];
      const cost = good.price * m.qty;
      if (account.cash < cost || good.stock < m.qty) return client.send('error', { id: m.id, code: 'insufficient_cash' });
      account.cash -= cost; good.stock -= m.qty;
      account.goods[m.good] = (account.goods[m.good] || 0) + m.qty;
      client.send('ok', { id: m.id, filled: m.qty, cost, cash: account.cash, seq: ++this.seq });
    });
  }
  onJoin(client) { this.accounts.set(client.sessionId, { cash: 1e15, goods: {} }); }
  onLeave(client) { this.accounts.delete(client.sessionId); }
}

const server = new Server({ transport: new WebSocketTransport(), greet: false });
server.define('bazaar', Bazaar);
await server.listen(+process.argv[2]);
