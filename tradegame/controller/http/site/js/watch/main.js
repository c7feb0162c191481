// The market on a wall: looks on, and asks nothing of anybody.

import { connect } from "/tradegame.js";
import { MarketChart, intervals } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { Painter, h, panel, said, setAttribute, setText } from "../common/dom.js";
import { coins, direction, percents } from "../common/format.js";
import { standingsTable } from "../common/standings.js";
import { connectionStatus } from "../common/status.js";
import { tapeTable } from "../common/tape.js";
import { Tapes } from "../common/tapes.js";
import { toggleTheme } from "../common/theme.js";

const TOKEN = "tradegame.screen";
const place = document.getElementById("app");

async function main() {
  const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
  const { games } = await (await fetch("/v1/games")).json();
  if (!games.some(({ game }) => game === id)) {
    message(`There is no game “${id}” here.`, games);
    return;
  }
  const token = localStorage.getItem(TOKEN); // the same onlooker each time, not another one
  const client = await connect({ name: "screen", ...(token === null ? {} : { token }) });
  localStorage.setItem(TOKEN, client.token);
  const game = await client.join(id, { spectate: true });
  const painter = new Painter();
  const tapes = new Tapes(game);
  const chart = new MarketChart(game, tapes, painter, { size: 16 });
  const headline = h("h2.head", {}, "");
  const last = h("span.num", {}, "");
  const change = h("span.num", {}, "");
  const shown = panel("Chart", { className: "chart", flush: true, end: [intervals(chart)], head: h("div.clock", {}, headline, last, change) });
  shown.body.replaceWith(chart.plot);
  const { table } = tapeTable(game, tapes, painter, { most: 30 });
  const tape = panel("Trades", { flush: true }, table);
  const standings = panel("Standings", { flush: true }, standingsTable(client, game, painter, { limit: 15 }));
  for (const { body } of [tape, standings]) body.tabIndex = 0;

  const buttons = new Map(Object.keys(game.state.goods).map((good) => [good, h("button", { type: "button", onclick: () => choose(good) }, h("span", {}, good), h("b.num"), h("span.num"))]));
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
  game.on("events", () => {
    painter.mark(figures);
    document.documentElement.dataset.seq = String(game.seq);
  });
  game.on("reset", () => painter.mark(figures));

  const news = h("span.text.news", { dir: "auto", "aria-live": "polite" });
  const told = () => setText(news, (game.state.news ?? []).at(-1)?.text ?? game.state.messages.at(-1)?.text ?? "");
  for (const type of ["news", "reset"]) game.on(type, told);
  told();

  const clock = h("section", { "aria-label": "Clock" }, roundClock(client, game));
  const theme = h("button.quiet", { type: "button", "aria-label": "Light or dark", onclick: toggleTheme }, "◐");
  place.replaceChildren(
    h(
      "div.wall",
      {},
      h("header.bar", {}, h("a.brand", { href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 24, height: 24 }), said(game.state.title || id, "h1.clip")), clock, h("div.end", {}, connectionStatus(client), theme)),
      h("nav.strip", { "aria-label": "Goods", tabindex: 0 }, ...buttons.values()),
      h("main.screen", {}, shown.section, standings.section, tape.section),
      h("footer.foot", {}, h("strong", {}, "Join at ", location.host), news),
    ),
  );
  document.title = `${game.state.title || id} · tradegame`;
  document.documentElement.dataset.seq = String(game.seq);
  choose([...buttons.keys()][0]);
  game.on("gone", () => message("This game is over.", []));
  client.on("state", ({ state, reason }) => state === "stopped" && message(reason, []));
}

function message(text, games) {
  const links = games.map(({ game, title }) => h("li", {}, h("a", { href: `/watch/${encodeURIComponent(game)}` }, title || game)));
  place.replaceChildren(h("main.welcome", {}, h("div.card", { role: "alert" }, h("h1", {}, "Nothing to watch"), said(text, "p"), h("ul", {}, ...links))));
}

main().catch((error) => {
  console.warn(error);
  message(error.message, []);
});
