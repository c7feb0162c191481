// The play page: puts the panels together and holds what they share.

import { CLOSE } from "../client/vocabulary.js";
import { bar } from "../common/bar.js";
import { intervals, MarketChart } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, direction, percents } from "../common/format.js";
import { invitation } from "../common/invitation.js";
import { languageSwitch } from "../common/language_switch.js";
import { Painter } from "../common/painter.js";
import { openDialog, panel } from "../common/panels.js";
import { phases } from "../common/phases.js";
import { reload, reloadOnNewEpoch } from "../common/reload.js";
import { keepTrying } from "../common/repeat.js";
import { fetchJson } from "../common/server.js";
import { standings } from "../common/standings.js";
import { connectionStatus } from "../common/status.js";
import { tapeTable } from "../common/tape_table.js";
import { Tapes } from "../common/tapes.js";
import { toast } from "../common/toast.js";
import { loaded, pieces, t } from "../common/words.js";
import { anotherDevice } from "./another_device.js";
import { bookPanel } from "./book.js";
import { chatPanels } from "./chat.js";
import { goodsPanel } from "./goods.js";
import { guide, guideButton } from "./guide.js";
import { listenForKeys, showKeysHelp } from "./keyboard.js";
import { ordersPanel } from "./orders.js";
import { OwnTrades } from "./own_trades.js";
import { portfolioPanel } from "./portfolio.js";
import { privatePanel } from "./private_values.js";
import { enter, forget, signInAgain } from "./sign_in.js";
import { ticketPanel } from "./ticket.js";

const place = document.getElementById("app");

async function main() {
  await loaded;
  const { client, game } = await enter(place);
  const painter = new Painter();
  reloadOnNewEpoch(game, painter);
  const own = new OwnTrades(game, client.player.id);
  const tapes = new Tapes(game);
  const desk = { client, game, painter, tapes, own, good: Object.keys(game.state.goods)[0], listeners: [] };
  desk.choose = (good) => {
    desk.good = good;
    for (const listener of desk.listeners) listener(good);
  };
  desk.onchoose = (listener) => desk.listeners.push(listener);

  const chart = new MarketChart(game, tapes, painter, { own });
  const ticket = ticketPanel(desk);
  const goods = goodsPanel(desk);
  const book = bookPanel(desk, ticket);
  const chat = chatPanels(desk);
  const tape = tapeTable(game, tapes, painter, { good: () => desk.good });
  const last = h("span.num", {}, "");
  const change = h("span.num", {}, "");
  const headline = h("h2.head", {}, "");
  const chartPanel = panel(t("chart.title"), {
    className: "chart",
    on: "market",
    end: [intervals(chart)],
    flush: true,
    head: h("div.clock", {}, headline, last, change),
  });
  chartPanel.body.replaceWith(chart.plot);
  chartPanel.section.append(chart.plot);
  const cover = h("div.overlay", { hidden: true }, h("div"));
  chart.plot.append(cover);
  phases(game, cover, cover.firstChild, {
    most: 5,
    player: client.player.id,
    lobby: () => [invitation(game.id).card(t("invitation.others"))],
  });
  desk.onchoose((good) => {
    chart.show(good);
    headline.textContent = good;
    painter.mark(figures);
    painter.mark(tape.paint);
  });
  const figures = () => {
    const moved = tapes.change(desk.good);
    const price = coins(game.state.goods[desk.good].last);
    setText(last, price);
    document.title = `${price} ${desk.good} · ${game.state.title || game.id}`;
    setText(change, moved === null ? "" : percents(moved));
    change.className = `num ${direction(moved ?? 0)}`;
  };
  game.on("trade", (trade) => trade.good === desk.good && painter.mark(figures));
  game.on("events", () => (document.documentElement.dataset.seq = String(game.seq)));
  game.on("reset", () => painter.mark(figures));

  const news = h("span.text", { dir: "auto" }, "");
  const ticker = h(
    "section.ticker",
    { "aria-label": t("news.title"), "aria-live": "polite", "data-on": "market" },
    h("strong.warn", {}, t("news.title")),
    news,
  );
  const told = () => {
    const newest = (game.state.news ?? []).at(-1);
    ticker.hidden = newest === undefined;
    if (newest) setText(news, newest.text);
  };
  game.on("news", told);
  game.on("reset", told);
  told();

  const tapePanel = panel(t("trades.title"), { on: "market", flush: true, scroll: true }, tape.table);
  const ranked = standings(client, game, painter);
  const standingsPanel = panel(
    t("standings.title"),
    { on: "more", flush: true, scroll: true, end: [ranked.choice] },
    ranked.table,
  );
  const device = h("button", { type: "button", onclick: () => anotherDevice(client, game) }, t("device.title"));
  // a bar on a phone has no room
  const settings = h("div.settings", { "data-on": "more" }, languageSwitch(), device, guideButton());
  const play = h(
    "div.play",
    { "data-tab": "market" },
    h("a.skip", { href: "#qty" }, t("play.skip")),
    top(client, game),
    ticker,
    h(
      "main.desk",
      {},
      h(
        "div.column.left",
        {},
        goods,
        privatePanel(desk),
        portfolioPanel(desk),
        standingsPanel.section,
        chat.players,
        settings,
      ),
      h("div.column.centre", {}, chartPanel.section, h("div.lower", {}, ordersPanel(desk), chat.talk)),
      h("div.column.right", {}, book, ticket.section, tapePanel.section),
    ),
  );
  play.append(tabs(play));
  place.replaceChildren(play);
  document.documentElement.dataset.seq = String(game.seq);
  desk.choose(desk.good);
  listenForKeys(desk, ticket, chat);
  guide(game);
  client.on("state", ({ state, code, reason }) => state === "stopped" && stopped(code, reason));
  game.on("gone", (error) => (error.code === REFUSED ? over(t("over.refused")) : gone(game)));
  game.on("device", () => toast(t("device.used", { name: client.player.name })));
  game.on("removed", ({ player }) => {
    if (player === client.player.id) over(t("over.removed"));
  });
}

function top(client, game) {
  const help = h(
    "button.quiet.wide",
    { type: "button", "aria-label": t("keys.title"), title: t("keys.title"), onclick: showKeysHelp },
    "?",
  );
  const name = h(
    "button.quiet.wide.clip.me",
    { type: "button", dir: "auto", title: t("device.title"), onclick: () => anotherDevice(client, game) },
    client.player.name,
  );
  const other = h("button.quiet.wide", { type: "button", onclick: () => leave(client, game) }, t("leave.title"));
  return bar(
    userText(game.state.title || game.id, "h1.clip.title"),
    roundClock(game),
    connectionStatus(client),
    name,
    other,
    help,
  );
}

/** Asks first: without the session's token, nobody gets back to this account. */
async function leave(client, game) {
  const orders = game.me?.orders.length ?? 0;
  const dialog = h(
    "dialog",
    { "aria-label": t("leave.title") },
    h("h2", {}, ...pieces("leave.question", { name: userText(client.player.name) })),
    h("p", {}, orders ? t("leave.warning_orders", { count: orders }) : t("leave.warning")),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, t("leave.stay")),
      h("button", { value: "device" }, t("device.title")),
      h("button.sell", { value: "yes" }, t("leave.leave")),
    ),
  );
  const chosen = await openDialog(dialog);
  if (chosen === "yes") forget();
  if (chosen === "device") await anotherDevice(client, game);
}

function tabs(play) {
  const names = [
    ["market", t("sections.market")],
    ["trade", t("sections.trade")],
    ["orders", t("sections.orders")],
    ["chat", t("chat.title")],
    ["more", t("sections.more")],
  ];
  const buttons = names.map(([tab, label]) =>
    h("button", { type: "button", "aria-pressed": String(tab === "market"), onclick: () => show(tab) }, label),
  );
  function show(tab) {
    play.dataset.tab = tab;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(names[index][0] === tab)));
    scrollTo(0, 0);
  }
  return h("nav.bottom", { "aria-label": t("sections.title") }, ...buttons);
}

const AGAIN_MS = 8_000;
const KICKED = String(CLOSE.KICKED);
const REFUSED = "not_admitted";
/** The server does not know this player any more: it has another store, or the session is over. */
const FORGOTTEN = new Set(["unauthorized", String(CLOSE.REVOKED)]);

function stopped(code, reason) {
  if (FORGOTTEN.has(code)) {
    over(t("over.forgotten"), false);
    signInAgain();
  } else if (code === KICKED) {
    over(t("over.kicked"));
  } else {
    over(t("outage.again", { words: explain({ code, message: reason }) }));
    setTimeout(reload, AGAIN_MS);
  }
}

function gone(game) {
  over(t("over.deleted"));
  const open = async () =>
    (await fetchJson("v1/games")).games.some(({ game: id }) => id === game.id) || Promise.reject(new Error("not yet"));
  void keepTrying(open, () => {}).then(reload);
}

/** Replaces the page with the reason why it ended, and with what can be done. */
function over(reason, choice = true) {
  const again = h("button.primary.big", { type: "button", onclick: () => reload() }, t("over.again"));
  const other = h("button.big", { type: "button", onclick: forget }, t("leave.title"));
  place.replaceChildren(
    h(
      "main.welcome",
      {},
      h(
        "div.card",
        { role: "alert" },
        h("h1", {}, t("status.stopped")),
        userText(reason, "p"),
        choice ? h("form", { onsubmit: (event) => event.preventDefault() }, again, other) : null,
      ),
    ),
  );
}

main().catch((error) => {
  console.warn(error);
  stopped(error.code, error.message);
});
