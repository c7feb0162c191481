// Signing in: a name, and a game if there are several. The session's token signs a player in again.

import { Client } from "../../../tradegame.js";
import { isLink } from "../client/who.js";
import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { distinctTitle } from "../common/format.js";
import { languageSwitch } from "../common/language_switch.js";
import { reload } from "../common/reload.js";
import { keepTrying, pause, whileShown } from "../common/repeat.js";
import { fetchJson } from "../common/server.js";
import { recall, remember } from "../common/storage.js";
import { explainOutage } from "../common/trouble.js";
import { socketUrl, urlOf } from "../common/urls.js";
import { pieces, t } from "../common/words.js";
import { doorForms, NAME, wantsName } from "./door.js";
import { entranceOf, entrances, intoGroup } from "./groups.js";

const TOKEN = "tradegame.token";
/** How long to ask what became of a command that was sent. One that was not sent is withdrawn after 5 s. */
const deadlineMs = 600_000;
/** For one reload: the name under which to sign in again without asking. */
const AGAIN = "tradegame.again";
const LIST_MS = 3_000;

/** Forgets the player and reloads. */
export function forget() {
  remember("localStorage", TOKEN, null);
  void reload();
}

/** Signs in as a new player of the same name, after the server forgot this one: but nobody new has a seat. */
export function signInAgain() {
  const seated = isLink(recall("localStorage", TOKEN) ?? "");
  remember("localStorage", TOKEN, null);
  remember("sessionStorage", AGAIN, seated ? null : recall("localStorage", NAME));
  void reload();
}

/** The game in the address, by its id or its code; null if there is none. */
function asked() {
  const code = location.pathname.slice(new URL(urlOf("")).pathname.length).toUpperCase();
  return new URLSearchParams(location.search).get("game") ?? (code || null);
}

const isCalled = ({ game, code }, wanted) => game === wanted || code === wanted;

/** Why a card's player has no seat: it is of the game that had this address before. */
const SEATLESS = new Set(["enter_by_link", "enter_by_number", "name_not_listed"]);

/** A personal link's token, which is in the fragment, so that no server reads it; null if there is none. */
const linked = () => new URLSearchParams(location.hash.slice(1)).get("seat");

/** Shows forms in `place` until there is a connection and a game. Resolves with `{client, game}`. */
export async function enter(place) {
  const { games: all } = await keepTrying(
    () => fetchJson("v1/games"),
    (error) =>
      show(
        place,
        h("h1", {}, t("page.market")),
        h("p", { role: "status" }, t("outage.again", { words: explain(error) })),
      ),
  );
  const games = entrances(all);
  const wanted = entranceOf(all, asked());
  let link = linked();
  const found = games.filter((each) => isCalled(each, wanted)); // two may have the same code
  let chosen = found.length === 1 ? found[0] : games.length === 1 ? games[0] : null;
  const missing = wanted !== null && !found.length ? t("door.no_such_game", { game: wanted }) : "";
  if (chosen === null) chosen = await choose(place, games, missing, wanted);
  history.replaceState(null, "", urlOf(`?game=${encodeURIComponent(chosen.game)}`));
  const about = (await fetchJson(`v1/games/${encodeURIComponent(chosen.game)}`).catch(() => ({}))).about ?? "";
  let [note, greeting] = [null, ""];
  for (;;) {
    const client = await signIn(place, chosen, about, { link, note, greeting });
    const carded = link !== null;
    const remembered = !carded && note === null && recall("localStorage", TOKEN) !== null;
    link = null;
    const refuse = (refused) => {
      const seatless = SEATLESS.has(refused.why?.name);
      greeting = seatless && remembered ? t("door.not_yet_in", { reason: explain(refused) }) : "";
      if (seatless && carded) note = t("door.wrong_link");
      else note = greeting ? "" : explain(refused);
    };
    const joined = (id) => join(place, client, { ...chosen, game: id }, refuse);
    const entered = await joined(chosen.game);
    if (entered === null) continue;
    remember("localStorage", TOKEN, client.token);
    remember("localStorage", NAME, client.player.name);
    const game = await intoGroup(entered, joined);
    if (game !== null) return { client, game };
  }
}

/**
 * The joined game; null for somebody who has no seat in it, who may then come as somebody else: `refused` is told why.
 */
async function join(place, client, chosen, refused) {
  const status = h("p", { role: "status" }, "");
  // who is remembered has nothing to gain by another account, and this one to lose
  const another =
    recall("localStorage", TOKEN) === null
      ? h("p", {}, h("button", { type: "button", onclick: () => void reload() }, t("leave.title")))
      : null;
  for (;;) {
    try {
      return await client.join(chosen.game);
    } catch (error) {
      if (client.connection.state === "stopped") throw error;
      if (error.code === "not_admitted" && chosen.entry !== undefined) {
        refused(error);
        client.close();
        return null;
      }
      setText(status, t("door.not_yet", { reason: explain(error) }));
      if (!status.isConnected)
        show(
          place,
          h("h1", {}, userText(chosen.title || chosen.game)),
          status,
          another,
          watchLink(chosen),
          languageSwitch(),
        );
      await pause(LIST_MS);
    }
  }
}

/** Lets the player choose a game from a live list. Enters the `wanted` one as soon as it exists. */
function choose(place, games, note, wanted) {
  return new Promise((resolve) => {
    const list = h("ul.choices");
    const empty = h("p.soft", {}, ...pieces("door.no_games", { host: h("a", { href: urlOf("host") }, "/host") }));
    const offer = (game, _, all) =>
      h(
        "li",
        {},
        h(
          "button.big",
          { type: "button", onclick: () => resolve(game) },
          userText(distinctTitle(all, game)),
          h("span.soft", {}, ` · ${t("door.players", { count: game.players })} · ${t(`phase.${game.phase}`)}`),
        ),
      );
    let drawn = "";
    function draw(found) {
      const key = JSON.stringify(found.map(({ game, title, players, phase }) => [game, title, players, phase]));
      if (key === drawn || (drawn !== "" && list.contains(document.activeElement))) return;
      drawn = key;
      empty.hidden = found.length > 0;
      list.replaceChildren(...found.map(offer));
    }
    draw(games);
    show(
      place,
      h("h1", {}, t("door.which")),
      note ? h("p.error", { role: "alert" }, note) : null,
      list,
      empty,
      languageSwitch(),
    );
    whileShown(list, LIST_MS, async () => {
      const found = (await fetchJson("v1/games").catch(() => null))?.games;
      if (found === undefined || !list.isConnected) return;
      const there = entrances(found).find((each) => isCalled(each, wanted));
      if (there) resolve(there);
      else draw(entrances(found));
    });
  });
}

function show(place, ...children) {
  place.replaceChildren(h("main.welcome", {}, h("div.card", {}, ...children)));
}

const watchLink = ({ game }) =>
  h("p.soft", {}, h("a", { href: urlOf(`watch/${encodeURIComponent(game)}`) }, t("door.watch")));

/** Resolves with a connected client. Shows what keeps it from connecting. */
async function connected(options) {
  const client = new Client(socketUrl, { ...options, deadlineMs });
  explainOutage(client);
  await client.ready;
  return client;
}

/** `link`: a personal link's token. `note`: why whoever was signed in is not let in; `greeting` says it kindly. */
async function signIn(place, game, about, { link, note, greeting }) {
  const title = h("h1", {}, userText(game.title || game.game));
  const token = link ?? (note === null ? recall("localStorage", TOKEN) : null);
  const again = token === null && game.entry === undefined ? recall("sessionStorage", AGAIN) : null;
  remember("sessionStorage", AGAIN, null);
  let [problem, nameless] = [note ?? "", null];
  if (token !== null || again !== null) {
    show(place, title, h("p", { role: "status" }, t("door.back")));
    try {
      return await connected(token !== null ? { token } : { name: again });
    } catch (error) {
      if (link !== null && wantsName(error)) nameless = link;
      else if (again === null && error.code !== "unauthorized") throw error;
      else if (link !== null) problem = t("door.wrong_link");
      else remember("localStorage", TOKEN, null); // the session is over: ask for a name
    }
  }
  return new Promise((resolve) => {
    const { forms, focus } = doorForms(game, connected, resolve, { link: nameless, note: problem });
    show(
      place,
      title,
      about ? userText(about, "p.about.text") : h("p.about", {}, t("door.about")),
      greeting ? h("p", { role: "status" }, greeting) : null,
      ...forms,
      watchLink(game),
      languageSwitch(),
    );
    focus();
  });
}
