// The way in: a name, and a game where there are several. Who comes back is known by the session's token.

import { Client, connect } from "../../../tradegame.js";
import { h, said, setText } from "../common/dom.js";
import { at, socket } from "../common/root.js";

const TOKEN = "tradegame.token";
const NAME = "tradegame.name";
/** So long the page asks what became of a command that was sent, and says so; one that was not sent is withdrawn after 5 s. */
const deadlineMs = 600_000;

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // private browsing: it lasts as long as the page
  }
}

/** Plays as somebody else from now on. */
export function forget() {
  remember(TOKEN, null);
  location.assign(location.pathname + location.search);
}

/** Shows forms in `place` until there is a connection and a game: `{client, game}`. */
export async function enter(place) {
  const games = (await (await fetch(at("v1/games"))).json()).games;
  const wanted = new URLSearchParams(location.search).get("game");
  let chosen = games.find(({ game }) => game === wanted) ?? (games.length === 1 ? games[0] : null);
  const note = wanted !== null && !games.some(({ game }) => game === wanted) ? `There is no game “${wanted}” here.` : "";
  if (chosen === null) chosen = await choose(place, games, note);
  history.replaceState(null, "", at(`?game=${encodeURIComponent(chosen.game)}`));
  const about = (await (await fetch(at(`v1/games/${chosen.game}`))).json()).about ?? "";
  const client = await signIn(place, chosen, about);
  remember(TOKEN, client.token);
  remember(NAME, client.player.name);
  return { client, game: await client.join(chosen.game) };
}

function choose(place, games, note) {
  return new Promise((resolve) => {
    const list = games.map((game) =>
      h("li", {}, h("button.big", { type: "button", onclick: () => resolve(game) }, said(game.title || game.game), h("span.soft", {}, ` · ${game.players} players · ${game.phase}`))),
    );
    const empty = h("p.soft", {}, "No game is on. Whoever hosts opens one at ", h("a", { href: at("host") }, "/host"), ".");
    show(place, h("h1", {}, "Which market?"), note ? h("p.error", { role: "alert" }, note) : null, games.length ? h("ul.choices", {}, ...list) : empty);
  });
}

function show(place, ...children) {
  place.replaceChildren(h("main.welcome", {}, h("div.card", {}, ...children)));
}

async function signIn(place, game, about) {
  const token = recall(TOKEN);
  if (token !== null) {
    const status = h("p", { role: "status" }, "Welcome back. Connecting …");
    show(place, h("h1", {}, said(game.title || game.game)), status);
    const client = new Client(socket, { token, deadlineMs });
    const silence = client.on("state", ({ reason }) => reason && setText(status, `Not yet: ${reason}. Trying again …`));
    try {
      await client.ready;
      return client;
    } catch (error) {
      if (error.code !== "unauthorized") throw error;
      remember(TOKEN, null); // the session is over: a name, then
    } finally {
      silence();
    }
  }
  return new Promise((resolve) => {
    const problem = h("p.error", { role: "alert", id: "name-problem" });
    const name = h("input", { id: "name", maxlength: 32, autocomplete: "nickname", required: true, value: recall(NAME) ?? "", "aria-describedby": "name-problem" });
    const button = h("button.primary.big", { type: "submit" }, "Play");
    async function submit(event) {
      event.preventDefault();
      button.disabled = true;
      problem.textContent = "";
      try {
        resolve(await connect(socket, { name: name.value.trim(), deadlineMs }));
      } catch (error) {
        problem.textContent = error.message;
        name.focus();
      } finally {
        button.disabled = false;
      }
    }
    show(
      place,
      h("h1", {}, said(game.title || game.game)),
      about ? said(about, "p.about.text") : h("p.about", {}, "Trade with the others, at prices you make yourselves."),
      h("form", { onsubmit: submit }, h("label", { for: "name" }, "Your name"), name, problem, button),
      h("p.soft", {}, h("a", { href: at(`watch/${encodeURIComponent(game.game)}`) }, "Only watch")),
    );
    name.focus();
  });
}
