// The market on a wall: looks on, and asks nothing of anybody.

import { connect } from "../../../tradegame.js";
import { beginAnew } from "../common/anew.js";
import { MarketChart, intervals } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { Painter, h, panel, said, setAttribute, setText } from "../common/dom.js";
import { coins, direction, percents } from "../common/format.js";
import { nameOf } from "../common/people.js";
import { at, socket, typed } from "../common/root.js";
import { standingsTable } from "../common/standings.js";
import { connectionStatus } from "../common/status.js";
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

async function main() {
  const id = asked();
  const { games } = await (await fetch(at("v1/games"))).json();
  if (!games.some(({ game }) => game === id)) {
    message(`There is no game “${id}” here.`, games);
    return;
  }
  const token = recall("localStorage", TOKEN); // the same onlooker each time, not another one
  const client = await connect(socket, { name: "screen", ...(token === null ? {} : { token }) });
  remember("localStorage", TOKEN, client.token);
  const game = await client.join(id, { spectate: true });
  const painter = new Painter();
  beginAnew(game, painter);
  const tapes = new Tapes(game);
  const chart = new MarketChart(game, tapes, painter, { size: 16 });
  const headline = h("h2.head", {}, "");
  const last = h("span.num", {}, "");
  const change = h("span.num", {}, "");
  const shown = panel("Chart", { className: "chart", flush: true, end: [intervals(chart)], head: h("div.clock", {}, headline, last, change) });
  shown.body.replaceWith(chart.plot);
  const address = typed(`?game=${id}`);
  phases(game, chart.plot, address);
  const tape = panel("Trades", { flush: true }, tapeTable(game, tapes, painter, { most: 30 }).table);
  const standings = panel("Standings", { flush: true }, standingsTable(client, game, painter, { limit: fitting }));
  for (const { body } of [tape, standings]) body.tabIndex = 0;

  const buttons = new Map(Object.keys(game.state.goods).map((good) => [good, h("button", { type: "button", onclick: () => pick(good) }, h("span", {}, good), h("b.num"), h("span.num"))]));
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
  setInterval(() => {
    if (!turning || game.state.phase !== "open") return;
    const goods = [...buttons.keys()];
    choose(goods[(goods.indexOf(chart.good) + 1) % goods.length]);
    strip.scrollLeft = buttons.get(chart.good).offsetLeft - strip.offsetLeft;
  }, TURN_MS);
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
      h("header.bar", {}, h("a.brand", { href: at("") }, h("img", { src: at("static/icon.svg"), alt: "", width: 24, height: 24 }), said(game.state.title || id, "h1.clip")), clock, h("div.end", {}, connectionStatus(client), theme)),
      strip,
      h("main.screen", {}, shown.section, standings.section, tape.section),
      h("footer.foot", {}, h("strong", {}, "Join at ", address), news),
    ),
  );
  document.title = `${game.state.title || id} · tradegame`;
  document.documentElement.dataset.seq = String(game.seq);
  choose([...buttons.keys()][0]);
  game.on("gone", () => message("This game is over.", []));
  client.on("state", ({ state, reason }) => state === "stopped" && message(reason, []));
}

/** How many rows the table's panel has room for. On a small screen the panel has as much room as there are rows. */
function fitting(table) {
  if (narrow.matches || !table.isConnected) return 15;
  const head = table.tHead.offsetHeight;
  const row = table.tBodies[0].rows[0]?.offsetHeight ?? head;
  return Math.min(100, Math.max(1, Math.floor((table.parentElement.clientHeight - head) / row)));
}

function message(text, games) {
  const links = games.map(({ game, title }) => h("li", {}, h("a", { href: at(`watch/${encodeURIComponent(game)}`) }, title || game)));
  place.replaceChildren(h("main.welcome", {}, h("div.card", { role: "alert" }, h("h1", {}, "Nothing to watch"), said(text, "p"), h("ul", {}, ...links))));
}

main().catch((error) => {
  console.warn(error);
  message(error.message, []);
});
