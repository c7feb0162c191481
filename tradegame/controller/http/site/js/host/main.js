// The host's page: sign in, make games, run their rounds, see how the server does, read the debrief.

import { Client } from "../../../tradegame.js";
import { Painter, h, panel, rows, said, setAttribute, setText } from "../common/dom.js";
import { calledAmong, coins } from "../common/format.js";
import { keepTrying } from "../common/repeat.js";
import { at, socket } from "../common/root.js";
import { accompany, trouble } from "../common/status.js";
import { toggleTheme } from "../common/theme.js";
import { recall, remember } from "../common/storage.js";
import { toast } from "../common/toast.js";
import { game as path, json, remembered, signIn, signOut, tokenProblem } from "./api.js";
import { control } from "./control.js";
import { debrief } from "./debrief.js";
import { newGamePanel } from "./newgame.js";

const place = document.getElementById("app");
const asked = new URLSearchParams(location.search);
const TOKEN = "tradegame.host";
const EVERY_MS = 2_000;

/** A page that was closed for long asks at once. */
function every(ms, call) {
  const once = () => document.visibilityState === "visible" && call().catch(() => {});
  setInterval(once, ms);
  once();
}

/** The debrief on the wall: nobody reloads a projector, so it never gives up. */
async function alone(id) {
  const { title } = await keepTrying(
    () => json("GET", path(id)),
    (error) =>
      wait(
        "Debrief",
        error.status === 404
          ? `There is no game “${id}” here. As soon as there is, its debrief is shown.`
          : error.message,
      ),
  );
  const results = h("div.debrief");
  place.replaceChildren(
    h(
      "main.alone",
      {},
      h("h1", {}, said(title || id)),
      h("section", { "aria-label": "Debrief" }, h("h2.visually-hidden", {}, "Debrief"), results),
    ),
  );
  document.title = `Debrief · ${title || id}`;
  const refresh = debrief(id, results, { wall: true });
  every(EVERY_MS, async () => {
    try {
      await refresh();
      trouble("");
    } catch (error) {
      trouble(error.status === 404 ? `There is no game “${id}” any more.` : error.message);
    }
  });
}

/** What is waited for, in the page's place. */
function wait(title, text) {
  const card = h("main.welcome", {}, h("div.card", { role: "alert" }, h("h1", {}, title), said(text, "p")));
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
      error.textContent = refused.message;
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
        h("h1", {}, "Host"),
        h("p", {}, "Make games, open and close rounds, read the debrief."),
        h(
          "form",
          { onsubmit: submit },
          h("label", { for: "token" }, "Admin token"),
          token,
          error,
          h("button.primary.big", { type: "submit" }, "Sign in"),
        ),
        h(
          "p.soft",
          {},
          "The server prints a link with it when it starts, or it is what was set as TRADEGAME_ADMIN__TOKEN.",
        ),
      ),
    ),
  );
  token.focus();
}

/** Somebody who looks on, the same each time as long as the server knows them. */
async function onlooker() {
  const token = recall("sessionStorage", TOKEN);
  const client = new Client(socket, { name: "the host", ...(token === null ? {} : { token }) });
  accompany(client);
  try {
    await client.ready;
  } catch (error) {
    remember("sessionStorage", TOKEN, null);
    throw error;
  }
  remember("sessionStorage", TOKEN, client.token);
  return client;
}

/** The desk, as soon as the server lets us to it; or the door, when the admin token is not the right one. */
async function inside() {
  const problem = await keepTrying(tokenProblem, (error) => wait("Host", error.message));
  if (problem) return door(problem);
  const client = await keepTrying(onlooker, (error) => wait("Host", error.message));
  await keepTrying(
    () => desk(client),
    (error) => wait("Host", error.message),
  );
}

/** Throws while there is nothing to show; once it is shown it stays. */
async function desk(client) {
  const painter = new Painter();
  const main = h("div.main");
  const list = h("ul.games");
  const empty = h("p.empty", {}, "No game yet.");
  const form = await newGamePanel(({ game }) => void refresh().then(() => choose(game)));
  let chosen = null;
  let turn = 0;
  const gameRow = () => {
    const button = h(
      "button",
      { type: "button", onclick: () => choose(button.game).catch((error) => toast(error.message, true)) },
      said(""),
      h("span.tag.end"),
      h("span.soft.num"),
    );
    return h("li", {}, button);
  };

  async function refresh() {
    const { games } = await json("GET", "/v1/games");
    empty.hidden = games.length > 0;
    rows(list, games, gameRow, (item, { game, title, phase, players }) => {
      const button = item.firstChild;
      const [name, tag, count] = button.children;
      button.game = game;
      setAttribute(button, "aria-pressed", String(game === chosen));
      setText(name, calledAmong(games, { game, title }));
      setAttribute(tag, "data-phase", phase);
      setText(tag, phase);
      setText(count, coins(players));
    });
    return games;
  }
  /** The server has forgotten us: it was started with another store, say. */
  function follow() {
    const mine = client;
    mine.on("state", async ({ state }) => {
      if (state !== "stopped" || client !== mine) return;
      remember("sessionStorage", TOKEN, null);
      if (await keepTrying(tokenProblem, (error) => trouble(error.message))) return location.reload(); // to the door
      client = await keepTrying(onlooker, (error) => trouble(error.message));
      follow();
      const [was, games] = [chosen, await keepTrying(refresh, (error) => trouble(error.message))];
      trouble("");
      if (games.some(({ game }) => game === was)) await choose(was);
      else if (was !== null)
        nothing(h("p.empty", { role: "alert" }, said(was), " is over: the server has no such game any more."));
    });
  }
  async function choose(id) {
    turn += 1;
    const mine = turn;
    if (chosen !== null && chosen !== id)
      await client.games
        .get(chosen)
        ?.leave()
        .catch(() => {});
    chosen = id;
    history.replaceState(null, "", at(`host?game=${encodeURIComponent(id)}`));
    const game = await client.join(id, { spectate: true });
    if (mine !== turn) {
      // another was chosen meanwhile
      if (chosen !== id) void game.leave().catch(() => {});
      return;
    }
    const over = () =>
      chosen === id &&
      nothing(h("p.empty", { role: "alert" }, said(game.state.title || id), " is over: it was deleted."));
    game.on("gone", over);
    for (const type of ["round", "reset"]) game.on(type, () => refresh().catch(() => {})); // the list is asked again anyway
    main.replaceChildren(h("h1", {}, said(game.state.title || id)), ...control(client, game, painter, over));
    refresh().catch(() => {});
  }
  /** No game is in hand. */
  function nothing(why) {
    chosen = null;
    turn += 1;
    history.replaceState(null, "", at("host"));
    main.replaceChildren(h("h1", {}, "Host"), why);
    refresh().catch(() => {});
  }
  const games = await refresh();
  const side = h("div.side", {}, panel("Games", { flush: true }, list, empty).section, health(), form);
  place.replaceChildren(
    h(
      "header.bar",
      {},
      h(
        "a.brand",
        { href: at("") },
        h("img", { src: at("static/icon.svg"), alt: "", width: 24, height: 24 }),
        h("span", {}, "Host"),
      ),
      h(
        "div.end",
        {},
        h("button.quiet", { type: "button", onclick: signOut }, "Sign out"),
        h("button.quiet", { type: "button", "aria-label": "Light or dark", onclick: toggleTheme }, "◐"),
      ),
    ),
    h("main.host", {}, side, main),
  );
  follow();
  every(EVERY_MS * 2, refresh);
  const first = games.find(({ game }) => game === asked.get("game")) ?? games[0];
  if (first) await choose(first.game).catch((error) => nothing(h("p.empty", { role: "alert" }, error.message)));
  else nothing(h("p.empty", {}, "Choose a preset at the left, and create your first game."));
}

function health() {
  const names = [
    ["players_online", "Players"],
    ["commands_per_s", "Commands/s"],
    ["p99_ms", "p99, ms"],
    ["lag_ms", "Lag, ms"],
    ["audit_problems", "Audit"],
    ["nodes", "Nodes"],
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
        !told.ready ? told.reason : told.not_served.length ? `not served: ${told.not_served.join(", ")}` : "ready",
      );
    } catch {
      setText(state, "not reached");
    }
  });
  return panel(
    "Health",
    { end: [state] },
    h("dl.health", {}, ...names.map(([name, label]) => h("div", {}, h("dt", {}, label), values.get(name)))),
  ).section;
}

/** The link that the server prints has the token in its fragment: it is taken out of the address at once. */
function handed() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

async function main() {
  const token = handed();
  if (token !== null) {
    try {
      await signIn(token);
    } catch (refused) {
      return door(refused.message);
    }
  }
  if (asked.has("debrief") && asked.get("game")) return alone(asked.get("game"));
  if (!remembered()) return door();
  return inside();
}

addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());
void main();
