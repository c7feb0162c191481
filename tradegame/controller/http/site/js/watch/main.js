// The market on a wall: looks on, and asks nothing of anybody. Nobody reloads a projector: so it never gives up.

import { Client } from "../../../tradegame.js";
import { MarketChart, intervals } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { Painter, h, panel, said, setAttribute, setText } from "../common/dom.js";
import { calledAmong, coins, direction, percents } from "../common/format.js";
import { nameOf } from "../common/people.js";
import { ask } from "../common/reach.js";
import { keepTrying, pause, whileShown } from "../common/repeat.js";
import { at, socket, typed } from "../common/root.js";
import { standingsTable } from "../common/standings.js";
import { accompany, connectionStatus } from "../common/status.js";
import { recall, remember } from "../common/storage.js";
import { tapeTable } from "../common/tape.js";
import { Tapes } from "../common/tapes.js";
import { toggleTheme } from "../common/theme.js";
import { phases } from "./phases.js";

const TOKEN = "tradegame.screen";
const TURN_MS = 15_000;
const place = document.getElementById("app");
const narrow = matchMedia("(max-width: 759px)");

/** The game in the address; what is no text is the name of no game. */
function asked() {
  const last = location.pathname.split("/").at(-1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** One life of the game after the other: it may be deleted and made anew, and the server may forget who looks on. */
async function main() {
  const id = asked();
  for (;;) {
    await keepTrying(
      () => look(id),
      (error) => message(error.message, error.games),
    );
    await pause(500);
  }
}

/** Shows the game until it is over, or another one. Throws what is in the way, in words. */
async function look(id) {
  const { games } = await ask("v1/games");
  if (!games.some(({ game }) => game === id)) {
    throw Object.assign(new Error(`There is no game “${id}” here. As soon as there is, it is shown.`), { games });
  }
  const token = recall("localStorage", TOKEN); // the same onlooker each time, not another one
  const client = new Client(socket, { name: "screen", ...(token === null ? {} : { token }) });
  accompany(client);
  try {
    await client.ready;
    remember("localStorage", TOKEN, client.token);
    const game = await client.join(id, { spectate: true });
    const end = show(client, game);
    await over(client, game);
    end();
  } finally {
    if (client.connection.state === "stopped") remember("localStorage", TOKEN, null); // whoever it was is not let in again
    client.close();
  }
}

/** Resolves when there is nothing more to see of this life of the game. */
function over(client, game) {
  const { epoch } = game;
  return new Promise((resolve) => {
    game.on("gone", resolve);
    game.on("reset", () => game.epoch !== epoch && resolve());
    client.on("state", ({ state }) => state === "stopped" && resolve());
    if (game.ended) resolve();
  });
}

/** Puts the wall together; returns what ends it. */
function show(client, game) {
  const { id } = game;
  const painter = new Painter();
  const tapes = new Tapes(game);
  const chart = new MarketChart(game, tapes, painter, { size: 16 });
  const headline = h("h2.head", {}, "");
  const last = h("span.num", {}, "");
  const change = h("span.num", {}, "");
  const shown = panel("Chart", {
    className: "chart",
    flush: true,
    end: [intervals(chart)],
    head: h("div.clock", {}, headline, last, change),
  });
  shown.body.replaceWith(chart.plot);
  const address = typed(`?game=${id}`);
  phases(game, chart.plot, address);
  const tape = panel("Trades", { flush: true }, tapeTable(game, tapes, painter, { most: 30 }).table);
  const standings = panel("Standings", { flush: true }, standingsTable(client, game, painter, { limit: fitting }));
  for (const { body } of [tape, standings]) body.tabIndex = 0;

  const buttons = new Map(
    Object.keys(game.state.goods).map((good) => [
      good,
      h("button", { type: "button", onclick: () => pick(good) }, h("span", {}, good), h("b.num"), h("span.num")),
    ]),
  );
  const figures = () => {
    for (const [good, button] of buttons) {
      const moved = tapes.change(good);
      const [, price, ratio] = button.children;
      setText(price, coins(game.state.goods[good].last));
      setText(ratio, moved === null ? "" : percents(moved));
      setAttribute(ratio, "class", `num ${direction(moved ?? 0)}`);
      if (good !== chart.good) continue;
      setText(last, price.textContent);
      setText(change, ratio.textContent);
      setAttribute(change, "class", `num ${direction(moved ?? 0)}`);
    }
  };
  function choose(good) {
    chart.show(good);
    setText(headline, good);
    for (const [name, button] of buttons) setAttribute(button, "aria-pressed", String(name === good));
    painter.mark(figures);
  }
  // one good after the other, until somebody chooses one
  let turning = buttons.size > 1;
  function next() {
    if (!turning || game.state.phase !== "open") return;
    const goods = [...buttons.keys()];
    choose(goods[(goods.indexOf(chart.good) + 1) % goods.length]);
    strip.scrollLeft = buttons.get(chart.good).offsetLeft - strip.offsetLeft;
  }
  function pick(good) {
    turning = false;
    choose(good);
  }
  game.on("events", () => {
    painter.mark(figures);
    document.documentElement.dataset.seq = String(game.seq);
  });
  game.on("reset", () => painter.mark(figures));

  const news = h("span.text.news", { dir: "auto", "aria-live": "polite" });
  const told = () => {
    const headline = (game.state.news ?? []).at(-1);
    const message = game.state.messages.at(-1);
    setText(news, headline ? headline.text : message ? `${nameOf(game, message.player)}: ${message.text}` : "");
  };
  for (const type of ["news", "said", "reset"]) game.on(type, told);
  told();

  const clock = h("section", { "aria-label": "Clock" }, roundClock(game));
  const strip = h("nav.strip", { "aria-label": "Goods", tabindex: 0 }, ...buttons.values());
  const theme = h("button.quiet", { type: "button", "aria-label": "Light or dark", onclick: toggleTheme }, "◐");
  place.replaceChildren(
    h(
      "div.wall",
      {},
      h(
        "header.bar",
        {},
        h(
          "a.brand",
          { href: at("") },
          h("img", { src: at("static/icon.svg"), alt: "", width: 24, height: 24 }),
          said(game.state.title || id, "h1.clip"),
        ),
        clock,
        h("div.end", {}, connectionStatus(client), theme),
      ),
      strip,
      h("main.screen", {}, shown.section, standings.section, tape.section),
      h("footer.foot", {}, h("strong", {}, "Join at ", address), news),
    ),
  );
  document.title = `${game.state.title || id} · tradegame`;
  document.documentElement.dataset.seq = String(game.seq);
  choose([...buttons.keys()][0]);
  whileShown(strip, TURN_MS, next);
  return () => {
    painter.halt();
    chart.dispose();
  };
}

/** How many rows the table's panel has room for. On a small screen the panel has as much room as there are rows. */
function fitting(table) {
  if (narrow.matches || !table.isConnected) return 15;
  const head = table.tHead.offsetHeight;
  const row = table.tBodies[0].rows[0]?.offsetHeight ?? head;
  return Math.min(100, Math.max(1, Math.floor((table.parentElement.clientHeight - head) / row)));
}

/** In the wall's place, until there is something to see. What is there already is not said again. */
function message(text, games = []) {
  const links = games.map((each) =>
    h("li", {}, h("a", { href: at(`watch/${encodeURIComponent(each.game)}`) }, calledAmong(games, each))),
  );
  const card = h(
    "main.welcome",
    {},
    h("div.card", { role: "alert" }, h("h1", {}, "The market"), said(text, "p"), h("ul", {}, ...links)),
  );
  if (place.firstElementChild?.isEqualNode(card)) return;
  place.replaceChildren(card);
}

void main();
