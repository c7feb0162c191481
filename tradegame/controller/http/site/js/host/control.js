// The host's controls of one game: rounds, news, players, the log.

import { BOUNDS } from "../client/vocabulary.js";
import { roundClock } from "../common/clock.js";
import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, percents, time } from "../common/format.js";
import { invitation } from "../common/invitation.js";
import { newsLine } from "../common/news_line.js";
import { openDialog, panel } from "../common/panels.js";
import { reloadOnNewEpoch } from "../common/reload.js";
import { connectionStatus } from "../common/status.js";
import { toast } from "../common/toast.js";
import { urlOf } from "../common/urls.js";
import { pieces, t } from "../common/words.js";
import { json, game as path } from "./api.js";
import { chatPanel } from "./chat.js";
import { compare } from "./compare.js";
import { debrief } from "./debrief.js";
import { freeAddress } from "./free_address.js";
import { backToAll, groupsTable, isIn } from "./groups.js";
import { playersPanel } from "./players.js";
import { recordsPanel } from "./records.js";
import { robotsPanel } from "./robots.js";
import { rosterPanel } from "./roster.js";

export function control(client, game, painter, deleted, made) {
  reloadOnNewEpoch(game, painter);
  const problem = h("p.error", { role: "alert" });
  async function attempt(call, done, told = problem) {
    told.textContent = "";
    try {
      await call();
      if (done) toast(done);
    } catch (error) {
      told.textContent = explain(error);
    }
  }
  const phase = (to, done) => () => attempt(() => json("POST", path(game.id, "/phase"), { phase: to }), done);
  const open = h(
    "button.primary.big",
    { type: "button", onclick: phase("open", t("control.opened")) },
    t("control.start"),
  );
  const close = h("button.big", { type: "button", onclick: phase("closed", t("control.closed")) }, t("control.stop"));
  const end = h("button.big", { type: "button", onclick: endGame }, t("control.end"));
  const over = h("b", { hidden: true }, t("phases.game_over"));
  const lobby = h("button.big", { type: "button", onclick: phase("lobby", t("control.in_lobby")) }, t("control.lobby"));
  const isPaused = () => game.state.paused_at !== undefined;
  const pause = h(
    "button.big",
    {
      type: "button",
      onclick: () => attempt(() => json("POST", path(game.id, "/pause"), { paused: !isPaused() })),
    },
    t("control.pause"),
  );
  const more = h(
    "button.big",
    { type: "button", onclick: () => attempt(() => json("POST", path(game.id, "/time"), { add_s: 30 })) },
    t("control.more_time", { count: 30 }),
  );
  async function endGame() {
    const last = () => json("POST", path(game.id, "/phase"), { phase: "closed", last: true });
    if ((await openDialog(ending())) === "yes") await attempt(last, t("control.ended"));
  }
  const invited = invitation(game.id);
  const hereOnly = h(
    "p.soft",
    { hidden: true },
    ...pieces("control.here_only", { command: h("code", {}, "tradegame serve --host 0.0.0.0") }),
  );
  void invited.told.then(({ here_only }) => {
    hereOnly.hidden = !here_only;
  });
  const places = h(
    "div.row",
    {},
    h("a", { href: urlOf(`watch/${game.id}`), target: "_blank" }, t("control.wall")),
    h("a", { href: urlOf(`host?game=${game.id}&debrief`), target: "_blank" }, t("control.debrief_wall")),
    h(
      "button",
      { type: "button", onclick: () => attempt(async () => made(await duplicate(game.id))) },
      t("control.duplicate"),
    ),
  );
  const players = h("span.soft", {}, "");
  const roundsPanel = panel(
    t("control.rounds"),
    { end: [connectionStatus(client)] },
    h("div.rounds", {}, roundClock(game), open, close, lobby, pause, more, end, over, players),
    problem,
    backToAll(game, (id) => made({ game: id })),
    game.games ? groupsTable(game, painter, (id) => made({ game: id })) : null,
    invited.card(t("invitation.players"), hereOnly),
    places,
  );

  const text = h("input", { id: "headline", maxlength: BOUNDS.news, required: true, dir: "auto" });
  const good = h(
    "select",
    { id: "news-good" },
    h("option", { value: "" }, t("announce.no_good")),
    ...Object.keys(game.state.goods).map((name) => h("option", { value: name }, name)),
  );
  const [lowest, highest] = BOUNDS.shiftBps.map((bps) => Math.trunc(bps / 100));
  const shift = h("input", { id: "shift", type: "number", min: lowest, max: highest, step: 1, placeholder: coins(0) });
  const missing = h("p.error", { role: "alert" });
  function announce(event) {
    event.preventDefault();
    const bps = Math.round(Number(shift.value || 0) * 100);
    if (bps && !game.state.rules?.goods[good.value]?.house) {
      missing.textContent = good.value ? t("announce.no_house", { good: good.value }) : t("announce.which_good");
      good.focus();
      return;
    }
    const body = { text: text.value, ...(good.value ? { good: good.value, anchor_bps: bps } : {}) };
    void attempt(
      async () => {
        await json("POST", path(game.id, "/news"), body);
        text.value = "";
        shift.value = "";
      },
      t("announce.done"),
      missing,
    );
  }
  const news = panel(
    t("news.title"),
    {},
    h(
      "form",
      { onsubmit: announce },
      h("label", {}, t("announce.headline"), text),
      h("div.two", {}, h("label", {}, t("announce.about"), good), h("label", {}, t("announce.shift"), shift)),
      missing,
      h("button", { type: "submit" }, t("announce.announce")),
    ),
    comingNews(game),
  );

  const paint = () => {
    const everyone = Object.keys(game.state.players);
    setText(
      players,
      t("players.here", { here: everyone.filter((player) => game.online.has(player)).length, all: everyone.length }),
    );
    open.disabled = isIn(game, "open");
    close.disabled = isIn(game, "closed");
    lobby.disabled = isIn(game, "lobby");
    end.hidden = game.state.over === true;
    over.hidden = !end.hidden;
    open.classList.toggle("primary", over.hidden);
    setText(
      open,
      game.state.phase === "closed"
        ? t("control.next_round")
        : game.state.phase === "lobby"
          ? game.state.round === 0
            ? t("control.start_practice")
            : t("control.start_round", { number: game.state.round })
          : t("control.start"),
    );
    setText(pause, t(isPaused() ? "control.go_on" : "control.pause"));
    pause.classList.toggle("primary", isPaused());
    pause.disabled = game.state.phase !== "open" && game.state.ends_at === null;
    more.disabled = game.state.ends_at === null;
  };
  for (const type of ["joined", "removed", "presence", "reset", "round", "clock"])
    game.on(type, () => painter.mark(paint));
  painter.mark(paint);

  const place = h("div.debrief");
  const debriefPanel = panel(t("debrief.title"), {}, place).section;
  const people = h("div.two", {}, news.section, playersPanel(client, game, painter, attempt));
  /** Who needs the host comes first while a round is open; what came of the last one then. The debrief moves: nobody
   * types into it. */
  function order() {
    const before = isIn(game, "open") ? people : roundsPanel.section;
    if (before.nextElementSibling !== debriefPanel) before.after(debriefPanel);
  }
  for (const type of ["reset", "round"]) game.on(type, () => painter.mark(order));
  painter.mark(order);
  const refresh = game.games ? compare(game.id, game.state.groups, place) : debrief(game.id, place);
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  game.on("round", again);
  game.on("revealed", again);
  game.on("reset", again);
  again();
  return [
    roundsPanel.section,
    debriefPanel,
    people,
    h("div.two", {}, chatPanel(game, painter, attempt), game.state.group ? null : rosterPanel(game, attempt)),
    robotsPanel(game),
    recordsPanel(game, attempt, deleted),
  ];
}

function ending() {
  return h(
    "dialog",
    { "aria-label": t("control.end") },
    h("h2", {}, t("control.end_question")),
    h("p", {}, t("control.end_warning")),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, t("common.no")),
      h("button.primary", { value: "yes" }, t("control.end")),
    ),
  );
}

/** Makes another game of the same definition, under the next free address, and returns it. */
async function duplicate(id) {
  const [{ definition }, { games }] = await Promise.all([
    json("GET", path(id, "/definition")),
    json("GET", "/v1/games"),
  ]);
  return json("POST", "/v1/games", { ...definition, id: freeAddress(id, games) });
}

/** The scheduled news of this round that are still to come. */
function comingNews(game) {
  const list = h("ul");
  const place = h("div", { hidden: true }, h("h3", {}, t("announce.to_come")), list);
  async function refresh() {
    const { news } = await json("GET", path(game.id, "/news"));
    place.hidden = news.length === 0;
    const moved = ({ anchor_bps: bps }) => (bps ? ` (${percents(bps / 10_000)})` : "");
    list.replaceChildren(
      ...news.map((each) => h("li", {}, `${time(each.at)} `, userText(newsLine(each)), moved(each))),
    );
  }
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  for (const type of ["round", "clock", "reset", "news"]) game.on(type, again);
  again();
  return place;
}
