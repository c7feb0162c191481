// The host's page: sign in, create games, run their rounds, watch the server, read the debrief.

import { Client } from "../../../tradegame.js";
import { bar } from "../common/bar.js";
import { h, rows, setAttribute, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, distinctTitle } from "../common/format.js";
import { languageSwitch } from "../common/language_switch.js";
import { Painter } from "../common/painter.js";
import { panel } from "../common/panels.js";
import { keepTrying } from "../common/repeat.js";
import { recall, remember } from "../common/storage.js";
import { toast } from "../common/toast.js";
import { explainOutage, showTrouble } from "../common/trouble.js";
import { socketUrl, urlOf } from "../common/urls.js";
import { loaded, pieces, t } from "../common/words.js";
import { json, game as path, remembered, signIn, signOut, tokenProblem } from "./api.js";
import { compare } from "./compare.js";
import { control } from "./control.js";
import { debrief } from "./debrief.js";
import { leaveAll, shelved, withGroups } from "./groups.js";
import { newGamePanel } from "./new_game.js";
import { sheet } from "./sheet.js";

const place = document.getElementById("app");
const asked = new URLSearchParams(location.search);
const TOKEN = "tradegame.host";
const EVERY_MS = 2_000;

/** Calls `call` now and every `ms` while the page is visible. */
function every(ms, call) {
  const once = () => document.visibilityState === "visible" && call().catch(() => {});
  setInterval(once, ms);
  once();
}

/** The debrief on the wall. Nobody reloads a projector, so it never gives up. */
async function alone(id) {
  const { title, groups } = await keepTrying(
    () => json("GET", path(id)),
    (error) =>
      wait(t("debrief.title"), error.status === 404 ? t("debrief.no_such_game", { game: id }) : explain(error)),
  );
  const results = h("div.debrief");
  place.replaceChildren(
    h(
      "main.alone",
      {},
      h("h1", {}, userText(title || id)),
      h("section", { "aria-label": t("debrief.title") }, h("h2.visually-hidden", {}, t("debrief.title")), results),
    ),
  );
  document.title = `${t("debrief.title")} · ${title || id}`;
  const refresh = groups ? compare(id, groups, results, { wall: true }) : debrief(id, results, { wall: true });
  every(EVERY_MS, async () => {
    try {
      await refresh();
      showTrouble("");
    } catch (error) {
      showTrouble(error.status === 404 ? t("host.game_gone", { game: id }) : explain(error));
    }
  });
}

/** Replaces the page with what it waits for. */
function wait(title, text) {
  const card = h("main.welcome", {}, h("div.card", { role: "alert" }, h("h1", {}, title), userText(text, "p")));
  if (!place.firstElementChild?.isEqualNode(card)) place.replaceChildren(card);
}

function door(problem = "") {
  const token = h("input", {
    id: "token",
    type: "password",
    required: true,
    autocomplete: "current-password",
    "aria-describedby": "token-problem",
  });
  const error = h("p.error", { id: "token-problem", role: "alert" }, problem);
  async function submit(event) {
    event.preventDefault();
    error.textContent = "";
    try {
      await signIn(token.value);
      await inside();
    } catch (refused) {
      error.textContent = explain(refused);
      token.focus();
    }
  }
  place.replaceChildren(
    h(
      "main.welcome",
      {},
      h(
        "div.card",
        {},
        h("h1", {}, t("page.host")),
        h("p", {}, t("host.about")),
        h(
          "form",
          { onsubmit: submit },
          h("label", { for: "token" }, t("host.token")),
          token,
          error,
          h("button.primary.big", { type: "submit" }, t("host.sign_in")),
        ),
        h("p.soft", {}, ...pieces("host.where_token", { setting: h("code", {}, "TRADEGAME_ADMIN__TOKEN") })),
        languageSwitch(),
      ),
    ),
  );
  token.focus();
}

/** A spectator, the same each time while the session lasts. */
async function spectator() {
  const token = recall("sessionStorage", TOKEN);
  const client = new Client(socketUrl, { name: "console", ...(token === null ? {} : { token }) });
  explainOutage(client);
  try {
    await client.ready;
  } catch (error) {
    remember("sessionStorage", TOKEN, null);
    throw error;
  }
  remember("sessionStorage", TOKEN, client.token);
  return client;
}

/** Shows the desk once connected, or the sign-in form if the admin token is wrong. */
async function inside() {
  const problem = await keepTrying(tokenProblem, (error) => wait(t("page.host"), explain(error)));
  if (problem) return door(problem);
  if (asked.has("sheet") && asked.get("game")) return sheet(place, asked.get("game"), wait);
  const client = await keepTrying(spectator, (error) => wait(t("page.host"), explain(error)));
  await keepTrying(
    () => desk(client),
    (error) => wait(t("page.host"), explain(error)),
  );
}

/** Shows the host's controls. Throws if they cannot be shown yet. */
async function desk(client) {
  const painter = new Painter();
  const main = h("div.main");
  const list = h("ul.games");
  const empty = h("p.empty", {}, t("host.no_games"));
  let games = [];
  let form = null;
  let chosen = null;
  let shown = null;
  let turn = 0;
  const gameRow = () => {
    const button = h(
      "button",
      { type: "button", onclick: () => pick(button.game) },
      userText(""),
      h("span.tag.end"),
      h("span.soft.num"),
    );
    return h("li", {}, button);
  };

  const pick = (id) => choose(id).catch((error) => toast(explain(error), true));

  async function refresh() {
    ({ games } = await json("GET", "/v1/games"));
    empty.hidden = games.length > 0;
    rows(list, shelved(games, chosen), gameRow, (item, { game, title, phase, players, pressed }) => {
      const button = item.firstChild;
      const [name, tag, count] = button.children;
      button.game = game;
      setAttribute(button, "aria-pressed", String(pressed));
      setText(name, distinctTitle(games, { game, title }));
      setAttribute(tag, "data-phase", phase);
      setText(tag, t(`phase.${phase}`));
      setText(count, coins(players));
    });
    form?.suggest();
    return games;
  }
  /** Connects again if the session ends, for example because the server has another store. */
  function follow() {
    const mine = client;
    mine.on("state", async ({ state }) => {
      if (state !== "stopped" || client !== mine) return;
      remember("sessionStorage", TOKEN, null);
      const refused = await keepTrying(tokenProblem, (error) => showTrouble(explain(error)));
      if (refused) return location.reload(); // to the sign-in form
      client = await keepTrying(spectator, (error) => showTrouble(explain(error)));
      follow();
      const [was, games] = [chosen, await keepTrying(refresh, (error) => showTrouble(explain(error)))];
      showTrouble("");
      if (games.some(({ game }) => game === was)) await choose(was);
      else if (was !== null)
        nothing(h("p.empty", { role: "alert" }, ...pieces("host.over_gone", { game: userText(was) })));
    });
  }
  async function choose(id) {
    turn += 1;
    const mine = turn;
    const before = shown;
    shown = null;
    if (before !== null && before.id !== id) await leaveAll(before);
    chosen = id;
    history.replaceState(null, "", urlOf(`host?game=${encodeURIComponent(id)}`));
    const game = await withGroups(client, await client.join(id, { spectate: true }));
    if (mine !== turn) {
      // another game was chosen meanwhile
      if (chosen !== id) void leaveAll(game, chosen);
      return;
    }
    shown = game;
    const called = game.state.title || id;
    const over = () =>
      chosen === id &&
      nothing(h("p.empty", { role: "alert" }, ...pieces("host.over_deleted", { game: userText(called) })));
    /** As `over`, by the host's own press: on with another game. */
    async function deleted() {
      over();
      toast(t("host.over_deleted", { game: called }));
      scrollTo(0, 0);
      const [next] = (await refresh().catch(() => [])).filter(({ game }) => game !== id);
      if (next && chosen === null) await pick(next.game);
    }
    game.on("gone", over);
    for (const type of ["round", "reset"]) game.on(type, () => refresh().catch(() => {})); // polled anyway
    main.replaceChildren(
      h("h1", {}, userText(game.state.title || id)),
      ...control(client, game, painter, deleted, created),
    );
    refresh().catch(() => {});
  }
  /** Shows that no game is chosen. */
  function nothing(why) {
    chosen = null;
    turn += 1;
    history.replaceState(null, "", urlOf("host"));
    main.replaceChildren(h("h1", {}, t("page.host")), why);
    refresh().catch(() => {});
  }
  await refresh();
  const created = async ({ game }) => {
    await refresh().catch(() => {}); // it is made, whatever becomes of the list
    await pick(game);
  };
  /** What the form made is shown, unless the form says what is to be looked at. */
  const fromForm = async (made) => {
    await created(made);
    if (!made.warnings?.length) main.scrollIntoView();
  };
  form = await newGamePanel(() => games, fromForm);
  const shelf = h("div.side.shelf", {}, panel(t("host.games"), { flush: true }, list, empty).section);
  const tools = h("div.side.tools", {}, form.section, vitals());
  place.replaceChildren(
    bar(
      h("span", {}, t("page.host")),
      null,
      h("button.quiet", { type: "button", onclick: signOut }, t("host.sign_out")),
    ),
    h("main.host", {}, shelf, main, tools),
  );
  follow();
  every(EVERY_MS * 2, refresh);
  const first = games.find(({ game }) => game === asked.get("game")) ?? games[0];
  if (first) await choose(first.game).catch((error) => nothing(h("p.empty", { role: "alert" }, explain(error))));
  else nothing(h("p.empty", {}, t("host.first_game")));
}

/** How the node does: a word that is always there, and figures that unfold. */
function vitals() {
  const names = [
    ["players_online", t("players.title")],
    ["commands_per_s", t("health.commands")],
    ["p99_ms", t("health.p99")],
    ["lag_ms", t("health.lag")],
    ["audit_problems", t("health.audit")],
    ["nodes", t("health.nodes")],
  ];
  const values = new Map(names.map(([name]) => [name, h("dd.num", {}, "–")]));
  const state = h("span.tag", {}, "");
  every(EVERY_MS, async () => {
    try {
      const told = await json("GET", "/v1/health");
      for (const [name, element] of values) setText(element, coins(told[name]));
      values.get("audit_problems").classList.toggle("warn", told.audit_problems > 0);
      setText(
        state,
        !told.ready
          ? t(`unready.${told.part}`)
          : told.not_served.length
            ? t("health.not_served", { games: told.not_served.join(", ") })
            : t("health.ready"),
      );
    } catch {
      setText(state, t("health.not_reached"));
    }
  });
  return panel(
    t("health.title"),
    { end: [state] },
    h(
      "details",
      {},
      h("summary", {}, t("health.figures")),
      h("dl.vitals", {}, ...names.map(([name, label]) => h("div", {}, h("dt", {}, label), values.get(name)))),
    ),
  ).section;
}

/** Takes the token out of the address: the link that the server prints has it in its fragment. */
function handed() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

async function main() {
  await loaded;
  document.title = `${t("page.host")} · tradegame`;
  const token = handed();
  if (token !== null) {
    try {
      await signIn(token);
    } catch (refused) {
      return door(explain(refused));
    }
  }
  if (asked.has("debrief") && asked.get("game")) return alone(asked.get("game"));
  if (!remembered()) return door();
  return inside();
}

addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());
void main();
