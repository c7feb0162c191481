// The debrief after a round: prices against the equilibrium, efficiency, and everybody's gain.

import { h, userText } from "../common/dom.js";
import { coins, direction, efficiency, SOURCES, signed } from "../common/format.js";
import { openDialog } from "../common/panels.js";
import { ranks } from "../common/ranks.js";
import { fetchJson } from "../common/server.js";
import { toast } from "../common/toast.js";
import { json, game as path } from "./api.js";
import { count, pricesOverTime, supplyAndDemand } from "./plots.js";
import { tableButtonsWithToasts } from "./records.js";

/** On the wall, more results than this are shown in two columns. */
const COLUMN = 15;

/**
 * Fills `place` with the debriefs of a game's rounds; `wall`: on a page of its own, which never shows what is the
 * host's. Returns a refresh function.
 */
export function debrief(id, place, { wall = false } = {}) {
  let rounds = [];
  let chosen = null;
  let shown = "";

  async function refresh() {
    const url = path(id, "/debrief");
    ({ rounds } = await (wall ? fetchJson(url.slice(1)) : json("GET", url)));
    const key = JSON.stringify(rounds.map(({ round, closed_at: at, secret }) => [round, at, secret]));
    if (key === shown) return;
    shown = key;
    chosen = rounds.length - 1;
    draw();
  }
  function draw() {
    if (!rounds.length) {
      place.replaceChildren(
        h(
          "p.empty",
          {},
          "After the first round closes, its results are here: " +
            "prices against the equilibrium, efficiency, everybody's gain.",
        ),
      );
      return;
    }
    const tabs = rounds.map(({ round }, index) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(index === chosen), onclick: () => ((chosen = index), draw()) },
        `Round ${round}`,
      ),
    );
    place.replaceChildren(
      h("div.tabs", { role: "group", "aria-label": "Rounds" }, ...tabs),
      ...report(id, rounds[chosen], wall),
    );
  }
  return refresh;
}

function report(id, round, wall) {
  const goods = Object.entries(round.goods).filter(
    ([, fields]) => fields.trades || fields.demand.length || fields.equilibrium || fields.settled !== null,
  );
  const traded = Object.values(round.goods).reduce((sum, { trades }) => sum + trades, 0);
  const facts = [["Trades", coins(traded)]];
  if (round.players.length || !round.secret) facts.push(["Players", coins(round.players.length)]);
  if (round.efficiency_bps !== null)
    facts.unshift(
      ["Efficiency", efficiency(round)],
      ["Gains made", `${coins(round.surplus)} of ${coins(round.max_surplus)}`],
    );
  return [
    h("div.figures", {}, ...facts.map(([name, value]) => h("dl", {}, h("dt", {}, name), h("dd.num", {}, value)))),
    round.secret ? secret(id, round) : "",
    ...goods.map(([good, fields]) => goodReport(good, fields, round)),
    round.players.length || !round.secret ? results(id, round, wall) : "",
  ];
}

/** Says what is not public, and lets the host change that. */
function secret(id, round) {
  const what = "Gains, efficiency, demand and supply are a secret while another round may be played by the same values";
  if (!round.players.length) return h("p.soft", {}, `${what}, until the host reveals them.`);
  const button = h("button", { type: "button", onclick: () => reveal(id) }, "Reveal");
  return h("div.row", {}, h("p.soft", {}, `${what}: only you see them.`), button);
}

async function reveal(id) {
  const dialog = h(
    "dialog",
    { "aria-label": "Reveal" },
    h("h2", {}, "Reveal the results?"),
    h("p", {}, "Everybody may then read the gains of all closed rounds, and compute who has which values from them."),
    h("p", {}, "If you open another round, the same values are played again."),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, "No"),
      h("button.primary", { value: "yes" }, "Reveal"),
    ),
  );
  if ((await openDialog(dialog)) !== "yes") return;
  try {
    await json("POST", path(id, "/reveal"));
    toast("Revealed.");
  } catch (error) {
    toast(error.message, true);
  }
}

function goodReport(good, fields, round) {
  const mean = fields.volume ? Math.round((fields.notional / fields.volume) * 10) / 10 : null;
  const traded = `${count(fields.volume, "unit")} in ${count(fields.trades, "trade")}, ${fields.low} to ${fields.high}`;
  const words = [mean === null ? "no trade" : `${traded}, mean price ${mean}`];
  if (fields.equilibrium) {
    const { qty, low, high } = fields.equilibrium;
    words.push(`theory: ${count(qty, "unit")} ${low === high ? `at ${low}` : `between ${low} and ${high}`}`);
  }
  if (fields.settled !== null) words.push(`it settled at ${fields.settled}`);
  else if (fields.mark_source) words.push(`a unit counted for ${fields.mark}: ${SOURCES[fields.mark_source]}`);
  const plots = [];
  const which =
    fields.tape.length < fields.trades
      ? `The last ${count(fields.tape.length, "trade")}, each at its price`
      : "Each trade's price";
  const band =
    fields.settled !== null
      ? "; the line is what it was paid at"
      : fields.equilibrium
        ? "; the band is where supply meets demand"
        : "";
  if (fields.trades)
    plots.push(
      h("figure", {}, h("figcaption", {}, which + band), pricesOverTime(fields, round.opened_at, round.closed_at)),
    );
  if (fields.demand.length || fields.supply.length)
    plots.push(
      h(
        "figure",
        {},
        h("figcaption", {}, "What units were worth to buyers, and cost sellers"),
        supplyAndDemand(fields),
      ),
    );
  return h(
    "section",
    { "aria-label": `Debrief of ${good}` },
    h("h3", {}, good),
    h("p.soft", {}, `${words.join("; ")}.`),
    h("div.plots", {}, ...plots),
  );
}

function results(id, round, wall) {
  const { players } = round;
  const roles = players.some(({ role }) => role !== null);
  const heads = [
    ["th.r", "#", "rank"],
    ["th", "Player", "name"],
    ...(roles ? [["th", "Role", "role"]] : []),
    ["th.r.more", "Began with", "more"],
    ["th.r.more", "Ended with", "more"],
    ["th.r", "Gain", "gain"],
  ];
  const rank = ranks(players.map(({ gain }) => gain));
  const row = ({ name, role, start, worth, gain }, index) =>
    h(
      "tr",
      {},
      h("td.r.num", {}, String(rank[index])),
      h("td", {}, userText(name)),
      roles ? h("td", {}, role ?? "") : null,
      h("td.r.num.more", {}, coins(start)),
      h("td.r.num.more", {}, coins(worth)),
      h("td.r.num", {}, h("span", { class: direction(gain) }, signed(gain))),
    );
  const all = players.map(row);
  const half = wall && all.length > COLUMN ? Math.ceil(all.length / 2) : all.length;
  const tables = [all.slice(0, half), all.slice(half)]
    .filter((part, index) => !index || part.length)
    .map((part, index) =>
      h(
        "table",
        {},
        h("caption.visually-hidden", {}, `Results of round ${round.round}${index ? ", continued" : ""}`),
        h("colgroup", {}, ...heads.map(([, , column]) => h(`col.${column}`))),
        h("thead", {}, h("tr", {}, ...heads.map(([tag, title]) => h(tag, { scope: "col" }, title)))),
        h("tbody", {}, ...part),
      ),
    );
  return h(
    "div",
    {},
    h("div.row", {}, h("h3", {}, "Results"), wall ? null : h("div.row", {}, ...tableButtonsWithToasts(id))),
    h("div.scroll.results", { tabindex: 0, role: "region", "aria-label": "Results" }, ...tables),
  );
}
