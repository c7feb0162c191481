// The market on a wall. Nobody reloads a projector, so it never gives up.

import { Client } from "../../../tradegame.js";
import { bar } from "../common/bar.js";
import { intervals, MarketChart } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { h, setAttribute, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, direction, distinctTitle, percents } from "../common/format.js";
import { invitation } from "../common/invitation.js";
import { nameOf } from "../common/names.js";
import { newsLine } from "../common/news_line.js";
import { Painter } from "../common/painter.js";
import { panel } from "../common/panels.js";
import { phases } from "../common/phases.js";
import { keepTrying, pause, whileShown } from "../common/repeat.js";
import { fetchJson } from "../common/server.js";
import { standings } from "../common/standings.js";
import { connectionStatus } from "../common/status.js";
import { recall, remember } from "../common/storage.js";
import { tapeTable } from "../common/tape_table.js";
import { Tapes } from "../common/tapes.js";
import { explainOutage } from "../common/trouble.js";
import { socketUrl, urlOf } from "../common/urls.js";
import { fromRight, loaded, t } from "../common/words.js";

const TOKEN = "tradegame.screen";
const TURN_MS = 15_000;
/** How long each good is shown of a group before the next group comes: one good longer than that. */
const GROUP_MS = 20_000;
const place = document.getElementById("app");
const narrow = matchMedia("(max-width: 759px)");

/** The game in the address. */
function asked() {
  const last = location.pathname.split("/").at(-1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** Shows one epoch of the game after another: it may be deleted and created again, and the session may end. */
async function main() {
  await loaded;
  const id = asked();
  for (;;) {
    await keepTrying(
      () => look(id),
      (error) => message(explain(error), error.games),
    );
    await pause(500);
  }
}

/** Shows the game until it is over. Throws an error for people if it cannot be shown. */
async function look(id) {
  const { games } = await fetchJson("v1/games");
  if (!games.some(({ game }) => game === id)) {
    throw Object.assign(new Error(t("watch.no_such_game", { game: id })), { games });
  }
  const token = recall("localStorage", TOKEN); // the same spectator each time
  const client = new Client(socketUrl, { name: "screen", ...(token === null ? {} : { token }) });
  explainOutage(client);
  try {
    await client.ready;
    remember("localStorage", TOKEN, client.token);
    const game = await client.join(id, { spectate: true });
    if (game.state.groups) return await turn(client, game);
    const end = show(client, game);
    await over(client, game);
    end();
  } finally {
    if (client.connection.state === "stopped") remember("localStorage", TOKEN, null); // it would be refused again
    client.close();
  }
}

/** Resolves when this epoch of the game is over, or the client has stopped. */
function over(client, game) {
  const { epoch } = game;
  return new Promise((resolve) => {
    game.on("gone", resolve);
    game.on("reset", () => game.epoch !== epoch && resolve());
    client.on("state", ({ state }) => state === "stopped" && resolve());
    if (game.ended) resolve();
  });
}

/** Shows one group of an entrance after the other, until somebody chooses one; ends when one of them is over. */
async function turn(client, entrance) {
  const { groups } = entrance.state;
  let [index, turns, missing, done, wake] = [0, true, 0, false, () => {}];
  const finish = () => {
    done = true;
    wake();
  };
  const step = () => {
    index = (index + 1) % groups.length;
  };
  void over(client, entrance).then(finish);
  while (!done) {
    let game;
    try {
      game = await client.join(groups[index].game, { spectate: true });
    } catch (error) {
      missing += 1; // this node does not serve it: the others are shown
      if (missing >= groups.length || client.connection.state === "stopped") throw error;
      step();
      continue;
    }
    missing = 0;
    const turned = new Promise((resolve) => {
      wake = resolve;
    });
    const buttons = groups.map(({ name }, number) => {
      const pick = () => {
        [index, turns] = [number, false];
        wake();
      };
      return h("button", { type: "button", "aria-pressed": String(number === index), onclick: pick }, userText(name));
    });
    const strip = h("nav.strip", { "aria-label": t("groups.title"), tabindex: 0 }, ...buttons);
    const { epoch } = game;
    game.on("gone", finish);
    game.on("reset", () => game.epoch !== epoch && finish());
    const end = show(client, game, strip);
    if (!turns) buttons[index].focus();
    whileShown(strip, GROUP_MS * Object.keys(game.state.goods).length, () => {
      if (!turns) return;
      step();
      wake();
    });
    if (!done) await turned;
    end();
    await game.leave().catch(() => {});
  }
}

/** Puts the wall together. Returns a function that ends it. */
function show(client, game, groups = null) {
  const { id } = game;
  const painter = new Painter();
  const tapes = new Tapes(game);
  const chart = new MarketChart(game, tapes, painter, { size: 16 });
  const headline = h("h2.head", {}, "");
  const last = h("span.num", {}, "");
  const change = h("span.num", {}, "");
  const shown = panel(t("chart.title"), {
    className: "chart",
    flush: true,
    end: [intervals(chart)],
    head: h("div.clock", {}, headline, last, change),
  });
  shown.body.replaceWith(chart.plot);
  const invited = invitation(id);
  const cover = h("div.cover", { hidden: true, "aria-live": "polite" });
  chart.plot.append(cover);
  const here = h("p.soft", { "aria-live": "off" }, "");
  const count = () => {
    const all = Object.keys(game.state.players);
    setText(here, t("players.here", { here: all.filter((each) => game.online.has(each)).length, all: all.length }));
  };
  for (const type of ["joined", "removed", "presence", "reset"]) game.on(type, () => painter.mark(count));
  painter.mark(count);
  phases(game, cover, cover, { most: 10, lobby: () => [invited.card(t("invitation.join")), here] });
  const tape = panel(t("trades.title"), { flush: true }, tapeTable(game, tapes, painter, { most: 30 }).table);
  const ranked = standings(client, game, painter, { limit: fitting });
  const places = panel(t("standings.title"), { flush: true, end: [ranked.choice] }, ranked.table);
  for (const { body } of [tape, places]) body.tabIndex = 0;

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
  // show one good after another, until somebody chooses one
  let turning = buttons.size > 1;
  function next() {
    if (!turning || game.state.phase !== "open") return;
    const goods = [...buttons.keys()];
    choose(goods[(goods.indexOf(chart.good) + 1) % goods.length]);
    const [at, all] = [buttons.get(chart.good), strip].map((element) => element.getBoundingClientRect());
    strip.scrollLeft += fromRight ? at.right - all.right : at.left - all.left;
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
    const newest = (game.state.news ?? []).at(-1);
    const message = game.state.messages.at(-1);
    setText(news, newest ? newsLine(newest) : message ? `${nameOf(game, message.player)}: ${message.text}` : "");
  };
  for (const type of ["news", "said", "reset"]) game.on(type, told);
  told();

  const clock = h("section", { "aria-label": t("clock.section") }, roundClock(game));
  const strip = h("nav.strip", { "aria-label": t("goods.title"), tabindex: 0 }, ...buttons.values());
  place.replaceChildren(
    h(
      "div.wall",
      {},
      bar(userText(game.state.title || id, "h1.clip"), clock, connectionStatus(client)),
      h("div.strips", {}, groups, strip),
      h("main.screen", {}, shown.section, places.section, tape.section),
      h("footer.foot", {}, h("div.join", {}, t("invitation.join"), " ", invited.address()), news),
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

/** How many rows fit into the table's panel. On a small screen the panel grows with its rows. */
function fitting(table) {
  if (narrow.matches || !table.isConnected) return 15;
  const head = table.tHead.offsetHeight;
  const row = table.tBodies[0].rows[0]?.offsetHeight ?? head;
  return Math.min(100, Math.max(1, Math.floor((table.parentElement.clientHeight - head) / row)));
}

/** Replaces the wall with a message. The same message is not read out again. */
function message(text, games = []) {
  const links = games.map((each) =>
    h("li", {}, h("a", { href: urlOf(`watch/${encodeURIComponent(each.game)}`) }, distinctTitle(games, each))),
  );
  const card = h(
    "main.welcome",
    {},
    h("div.card", { role: "alert" }, h("h1", {}, t("page.market")), userText(text, "p"), h("ul", {}, ...links)),
  );
  if (place.firstElementChild?.isEqualNode(card)) return;
  place.replaceChildren(card);
}

void main();
