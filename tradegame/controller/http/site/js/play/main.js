// The play page: puts the panels together and holds what they share.

import { KEPT } from "../client/vocabulary.js";
import { bar } from "../common/bar.js";
import { intervals, MarketChart } from "../common/chart.js";
import { roundClock } from "../common/clock.js";
import { h, userText } from "../common/dom.js";
import { invitation } from "../common/invitation.js";
import { Painter } from "../common/painter.js";
import { deck, panel } from "../common/panels.js";
import { phases } from "../common/phases.js";
import { reloadOnNewEpoch } from "../common/reload.js";
import { standings } from "../common/standings.js";
import { connectionStatus } from "../common/status.js";
import { tapeTable } from "../common/tape_table.js";
import { Tapes } from "../common/tapes.js";
import { toast } from "../common/toast.js";
import { loaded, t } from "../common/words.js";
import { bookPanel } from "./book.js";
import { chatPanels } from "./chat.js";
import { listenForTheEnd, stopped } from "./endings.js";
import { flash } from "./flash.js";
import { goodsPanel } from "./goods.js";
import { guide } from "./guide.js";
import { headline } from "./headline.js";
import { listenForKeys } from "./keyboard.js";
import { meButtons, mePanel, showHelp } from "./me.js";
import { newsTicker } from "./news.js";
import { ordersPanel } from "./orders.js";
import { OwnTrades } from "./own_trades.js";
import { portfolioPanel } from "./portfolio.js";
import { firstStep, privatePanel } from "./private_values.js";
import { sections } from "./sections.js";
import { enter } from "./sign_in.js";
import { listenForSignals, signalSwitch } from "./signals.js";
import { strip } from "./strip.js";
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
  /** Brings a panel to the front: a section of a phone, a tab of a desk. */
  desk.show = (section, panel = null) => {
    shown.show(section);
    if (panel) people.choose(panel);
  };

  const ticket = ticketPanel(desk);
  const book = bookPanel(desk, (level) => {
    ticket.fill(level);
    desk.show("trade");
  });
  const chat = chatPanels(desk);
  const people = deck([chat.talk, tapePanel(desk), standingsPanel(desk), chat.players]);
  const [portfolio, facts] = [portfolioPanel(desk), strip(desk)];
  const top = bar(
    userText(game.state.title || game.id, "h1.clip.title"),
    roundClock(game),
    connectionStatus(client),
    ...meButtons(desk),
    signalSwitch(),
  );
  const play = h(
    "div.play",
    {},
    h("a.skip", { href: "#qty" }, t("play.skip")),
    top,
    facts,
    newsTicker(game),
    h(
      "main.desk",
      {},
      h("div.column.left", {}, goodsPanel(desk), privatePanel(desk), portfolio, mePanel(desk)),
      h("div.column.centre", {}, chartPanel(desk), h("div.lower", {}, ordersPanel(desk), people.element)),
      h("div.column.right", {}, book, ticket.section),
    ),
  );
  const shown = sections(play, desk);
  play.append(shown.element);
  place.replaceChildren(play);

  const root = document.documentElement;
  const follow = () => (root.dataset.seq = String(game.seq));
  game.on("events", follow);
  follow();
  const turn = () => (play.dataset.phase = game.state.phase);
  game.on("reset", turn);
  game.on("round", ({ phase }) => {
    turn();
    flash(top, phase === "open" ? "up-soft" : "down-soft");
  });
  turn();
  own.onadd((fresh, when) => {
    if (when === "now") for (const each of [portfolio, facts]) flash(each, "accent-soft");
    if (when === "away")
      toast(t(fresh.length < KEPT.fills ? "trades.while_away" : "trades.many_while_away", { count: fresh.length }));
  });
  listenForSignals(desk, (second) => play.classList.toggle("ending", second > 0));
  listenForKeys(desk, ticket, chat, () => showHelp(game));
  listenForTheEnd(desk);
  game.on("device", () => toast(t("device.used", { name: client.player.name })));
  guide(game);
  desk.choose(desk.good);
}

function chartPanel(desk) {
  const { client, game, painter, tapes, own } = desk;
  const empty = () => firstStep(game, desk.good);
  const chart = new MarketChart(game, tapes, painter, { own, empty });
  const { section, body } = panel(t("chart.title"), {
    className: "chart",
    on: "market trade",
    end: [intervals(chart)],
    head: headline(desk),
  });
  body.replaceWith(chart.plot);
  const cover = h("div.overlay", { hidden: true }, h("div"));
  chart.plot.append(cover);
  phases(game, cover, cover.firstChild, {
    most: 5,
    player: client.player.id,
    lobby: () => [invitation(game.id).card(t("invitation.others"))],
  });
  desk.onchoose((good) => chart.show(good));
  return section;
}

function tapePanel(desk) {
  const { game, painter, tapes } = desk;
  const tape = tapeTable(game, tapes, painter, { good: () => desk.good });
  desk.onchoose(() => painter.mark(tape.paint));
  return panel(t("trades.title"), { on: "market", flush: true, scroll: true }, tape.table).section;
}

function standingsPanel({ client, game, painter }) {
  const { choice, table } = standings(client, game, painter);
  return panel(t("standings.title"), { on: "more", flush: true, scroll: true, end: [choice] }, table).section;
}

main().catch((error) => {
  console.warn(error);
  stopped(error.code, error.message);
});
