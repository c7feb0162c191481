// Over the chart: what the game is about, in the lobby; what the round came to, after the close.

import { h, userText } from "./dom.js";
import { coins, direction, efficiency, signed } from "./format.js";
import { lastRound } from "./last_round.js";
import { ranks } from "./ranks.js";
import { robotMark } from "./robots.js";
import { differences } from "./terms.js";
import { urlOf } from "./urls.js";
import { t } from "./words.js";

/**
 * Shows `cover` while the market is not open, and puts the text into `inside`, which is `cover` or within it: in the
 * lobby with what `lobby` makes below, after the close with the `most` best players. `player`: whom the page is for.
 */
export function phases(game, cover, inside, { most, player = null, lobby = () => [] }) {
  async function show() {
    const { phase, about } = game.state;
    cover.hidden = phase === "open";
    if (phase === "lobby") {
      const text = about ? [userText(about, "p.text")] : [];
      const { round, treatment } = game.state;
      const told = differences(treatment).map((words) => h("p.different", {}, words));
      if (round === 0) told.unshift(h("p.different", {}, t("phases.practice")));
      inside.replaceChildren(h("h3", {}, t("phases.lobby")), ...told, ...text, ...lobby());
    } else if (phase === "closed") {
      inside.replaceChildren(...winners(game.state), h("h3", {}, t("phases.closed")));
      const round = await lastRound(game);
      if (round !== null) inside.replaceChildren(...winners(game.state), ...result(round, most, player, game));
    }
  }
  for (const type of ["round", "revealed", "reset", "access"]) game.on(type, show);
  void show();
}

/** When the last round is closed: that it is over, and who gained most in all rounds together. */
function winners({ over, winners: best = [], players }) {
  if (!over) return [];
  const names = best.filter((player) => players[player]).map((player) => userText(players[player].name));
  const won = names.flatMap((name, index) => (index ? [", ", name] : [name]));
  const words = [t(names.length > 1 ? "phases.won_together" : "phases.won_alone")];
  const robots = Object.values(players).some(({ robot }) => robot) && !best.some((player) => players[player]?.robot);
  if (robots) words.push(t("phases.robots_aside"));
  const who = won.length ? [h("p.winners", {}, ...won), h("p", {}, words.join(" "))] : [];
  return [h("div.over", {}, h("h3", {}, t("phases.game_over")), ...who)];
}

function result(round, most, me, { id, me: account, state: { reports, over } }) {
  const place = round.players.findIndex(({ player }) => player === me);
  const mine = round.players[place];
  const rank = ranks(round.players.map(({ gain }) => gain));
  const lines = [
    round.secret && account && t("phases.earned_in_secret", { gain: signed(account.worth - account.start) }),
    over && account && t("phases.in_all", { gain: signed(account.score) }),
    mine && t("phases.earned", { gain: signed(mine.gain), rank: rank[place], players: round.players.length }),
    round.efficiency_bps !== null &&
      t(me === null ? "phases.they_made" : "phases.you_made", { efficiency: efficiency(round) }),
    ...Object.entries(round.goods).map(
      ([good, { settled }]) => settled !== null && t("phases.paid", { good, price: coins(settled) }),
    ),
  ];
  const best = round.players
    .map((row, index) => ({ ...row, index }))
    .filter(({ player, index }) => index < most || player === me)
    .map(({ player, name, gain, index, ...of }) =>
      h(
        player === me ? "tr.me" : "tr",
        {},
        h("td.r.num", {}, coins(rank[index])),
        h(
          "td",
          {},
          me === null ? h("span.clip", { dir: "auto", title: name }, name) : userText(name),
          h("span.soft", {}, robotMark(of)),
        ),
        h("td.r.num", {}, h("span", { class: direction(gain) }, signed(gain))),
      ),
    );
  const heads = [
    h("th.r", { scope: "col" }, "#"),
    h("th", { scope: "col" }, t("common.player")),
    h("th.r", { scope: "col" }, t("common.gain")),
  ];
  if (!best.length && !account) lines.push(t(round.secret ? "phases.secret" : "phases.nobody"));
  return [
    h("h3", {}, round.practice ? t("phases.practice_over") : t("phases.over", { number: round.round })),
    ...lines.filter(Boolean).map((line) => h("p", {}, line)),
    account && reports
      ? h("p", {}, h("a", { href: urlOf(`report/${encodeURIComponent(id)}`) }, t("report.title")))
      : "",
    best.length ? h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...best)) : "",
  ];
}
