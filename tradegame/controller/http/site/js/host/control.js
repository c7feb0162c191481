// The host's controls of one game: rounds, news, players, the log.

import { BOUNDS } from "../client/vocabulary.js";
import { roundClock } from "../common/clock.js";
import { h, setAttribute, setText, userText } from "../common/dom.js";
import { percents, time } from "../common/format.js";
import { invitation } from "../common/invitation.js";
import { openDialog, panel } from "../common/panels.js";
import { reloadOnNewEpoch } from "../common/reload.js";
import { connectionStatus } from "../common/status.js";
import { toast } from "../common/toast.js";
import { urlOf } from "../common/urls.js";
import { download, json, game as path } from "./api.js";
import { chatPanel } from "./chat.js";
import { debrief } from "./debrief.js";
import { playersPanel } from "./players.js";
import { rosterPanel } from "./roster.js";

export function control(client, game, painter, deleted) {
  reloadOnNewEpoch(game, painter);
  const problem = h("p.error", { role: "alert" });
  async function attempt(call, done, told = problem) {
    told.textContent = "";
    try {
      await call();
      if (done) toast(done);
    } catch (error) {
      told.textContent = error.message;
    }
  }
  const phase = (to, done) => () => attempt(() => json("POST", path(game.id, "/phase"), { phase: to }), done);
  const open = h("button.primary.big", { type: "button", onclick: phase("open", "The round is open.") }, "Open");
  const close = h("button.big", { type: "button", onclick: phase("closed", "The round is closed.") }, "Close");
  const lobby = h(
    "button.big",
    { type: "button", onclick: phase("lobby", "Back in the lobby: a new round, from the beginning.") },
    "To lobby",
  );
  const isPaused = () => game.state.paused_at !== undefined;
  const pause = h(
    "button.big",
    {
      type: "button",
      onclick: () => attempt(() => json("POST", path(game.id, "/pause"), { paused: !isPaused() })),
    },
    "Pause",
  );
  const more = h(
    "button.big",
    { type: "button", onclick: () => attempt(() => json("POST", path(game.id, "/time"), { add_s: 30 })) },
    "+30 s",
  );
  const invited = invitation(game.id);
  const hereOnly = h(
    "p.soft",
    { hidden: true },
    "No other machine can open this: ",
    h("code", {}, "tradegame serve --host 0.0.0.0"),
    " serves the whole network.",
  );
  void invited.told.then(({ here_only }) => {
    hereOnly.hidden = !here_only;
  });
  const places = h(
    "div.row",
    {},
    h("a", { href: urlOf(`watch/${game.id}`), target: "_blank" }, "Put the market on the wall"),
    h("a", { href: urlOf(`host?game=${game.id}&debrief`), target: "_blank" }, "Put the debrief on the wall"),
  );
  const players = h("span.soft", {}, "");
  const roundsPanel = panel(
    "Rounds",
    { end: [connectionStatus(client)] },
    h("div.rounds", {}, roundClock(game), open, close, lobby, pause, more, players),
    problem,
    invited.card("Players join at", hereOnly),
    places,
  );

  const text = h("input", { id: "headline", maxlength: BOUNDS.news, required: true, dir: "auto" });
  const good = h(
    "select",
    { id: "news-good" },
    h("option", { value: "" }, "no good"),
    ...Object.keys(game.state.goods).map((name) => h("option", { value: name }, name)),
  );
  const [lowest, highest] = BOUNDS.shiftBps.map((bps) => Math.trunc(bps / 100));
  const shift = h("input", { id: "shift", type: "number", min: lowest, max: highest, step: 1, placeholder: "0" });
  const missing = h("p.error", { role: "alert" });
  function announce(event) {
    event.preventDefault();
    const bps = Math.round(Number(shift.value || 0) * 100);
    if (bps && !game.state.rules?.goods[good.value]?.house) {
      missing.textContent = good.value
        ? `There is no house for ${good.value}: only players make its price, so it cannot be moved.`
        : "Choose the good whose price it moves, or leave the percents empty.";
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
      "Announced.",
      missing,
    );
  }
  const news = panel(
    "News",
    {},
    h(
      "form",
      { onsubmit: announce },
      h("label", {}, "Headline", text),
      h("div.two", {}, h("label", {}, "It is about", good), h("label", {}, "The house's price moves by, %", shift)),
      missing,
      h("button", { type: "submit" }, "Announce"),
    ),
    comingNews(game),
  );

  const paint = () => {
    const everyone = Object.keys(game.state.players);
    setText(players, `${everyone.filter((player) => game.online.has(player)).length} here, ${everyone.length} in all`);
    open.disabled = game.state.phase === "open";
    close.disabled = game.state.phase === "closed";
    lobby.disabled = game.state.phase === "lobby";
    setText(
      open,
      game.state.phase === "closed"
        ? `Open round ${game.state.round + 1}`
        : game.state.phase === "lobby"
          ? `Open round ${game.state.round}`
          : "Open",
    );
    setAttribute(open, "aria-label", "Open");
    setText(pause, isPaused() ? "Go on" : "Pause");
    pause.classList.toggle("primary", isPaused());
    pause.disabled = game.state.phase !== "open" && game.state.ends_at === null;
    more.disabled = game.state.ends_at === null;
  };
  for (const type of ["joined", "removed", "presence", "reset", "round", "clock"])
    game.on(type, () => painter.mark(paint));
  painter.mark(paint);

  const place = h("div.debrief");
  const refresh = debrief(game.id, place);
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  game.on("round", again);
  game.on("revealed", again);
  game.on("reset", again);
  again();
  const pseudonyms = h("input", {
    type: "checkbox",
    id: "pseudonyms",
    onchange: () => (chat.disabled = !pseudonyms.checked),
  });
  const chat = h("input", { type: "checkbox", id: "with-chat", disabled: true });
  const log = h(
    "button",
    { type: "button", onclick: () => attempt(() => download(game.id, pseudonyms.checked, chat.checked)) },
    "Download log",
  );
  async function gone() {
    const dialog = h(
      "dialog",
      { "aria-label": "Delete" },
      h("h2", {}, "Delete ", userText(game.state.title || game.id), game.state.title ? ` (${game.id})?` : "?"),
      h("p", {}, "It ends for everybody, and cannot be brought back. Download the log first."),
      h(
        "form.row",
        { method: "dialog" },
        h("button", { value: "no" }, "No"),
        h("button.sell", { value: "yes" }, "Delete"),
      ),
    );
    if ((await openDialog(dialog)) !== "yes") return;
    await attempt(async () => {
      await json("DELETE", path(game.id));
      deleted();
    });
  }
  const kept = panel(
    "Records",
    {},
    h(
      "div.row",
      {},
      logLink(log),
      h("label", {}, pseudonyms, " without names"),
      h("label", {}, chat, " but with what was said"),
      h("button.end", { type: "button", onclick: gone }, "Delete game"),
    ),
  );
  return [
    roundsPanel.section,
    panel("Debrief", {}, place).section,
    h("div.two", {}, news.section, playersPanel(game, painter, attempt)),
    h("div.two", {}, chatPanel(game, painter, attempt), rosterPanel(game)),
    kept.section,
  ];
}

/** The scheduled news of this round that are still to come. */
function comingNews(game) {
  const list = h("ul");
  const place = h("div", { hidden: true }, h("h3", {}, "To come in this round"), list);
  async function refresh() {
    const { news } = await json("GET", path(game.id, "/news"));
    place.hidden = news.length === 0;
    const moved = ({ good, anchor_bps: bps }) => (bps ? ` (${good} ${percents(bps / 10_000)})` : "");
    list.replaceChildren(...news.map((each) => h("li", {}, `${time(each.at)} `, userText(each.text), moved(each))));
  }
  const again = () => refresh().catch(() => {}); // the connection's status shows the problem
  for (const type of ["round", "clock", "reset", "news"]) game.on(type, again);
  again();
  return place;
}

/** A button that acts as a link: the log needs the token in a header. */
function logLink(button) {
  button.setAttribute("role", "link");
  return button;
}
