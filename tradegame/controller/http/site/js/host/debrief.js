// The debrief after a round: prices against the equilibrium, efficiency, and everybody's gain.

import { h, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { coins, direction, efficiency, signed, tenths } from "../common/format.js";
import { openDialog } from "../common/panels.js";
import { ranks } from "../common/ranks.js";
import { robotMark } from "../common/robots.js";
import { fetchJson } from "../common/server.js";
import { differences, roundName, termsOf } from "../common/terms.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { json, game as path } from "./api.js";
import { pricesOverTime, supplyAndDemand } from "./plots.js";
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
      place.replaceChildren(h("p.empty", {}, t("debrief.none")));
      return;
    }
    const tabs = rounds.map(({ round }, index) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(index === chosen), onclick: () => ((chosen = index), draw()) },
        roundName(round),
      ),
    );
    place.replaceChildren(
      h("div.tabs", { role: "group", "aria-label": t("control.rounds") }, ...tabs),
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
  const facts = [[t("trades.title"), coins(traded)]];
  const taxed = Object.values(round.goods).some(({ tax }) => tax);
  if (round.players.length || !round.secret) facts.push([t("players.title"), coins(round.players.length)]);
  if (round.efficiency_bps !== null)
    facts.unshift(
      [t("debrief.efficiency"), efficiency(round)],
      [
        t(taxed ? "debrief.gains_with_tax" : "debrief.gains"),
        t("debrief.of", { made: round.surplus, possible: round.max_surplus }),
      ],
    );
  return [
    h("div.figures", {}, ...facts.map(([name, value]) => h("dl", {}, h("dt", {}, name), h("dd.num", {}, value)))),
    ...differences(round.treatment).map((words) => h("p.different", {}, words)),
    round.practice ? h("p.different", {}, t("phases.practice")) : "",
    round.secret ? secret(id, round) : "",
    ...goods.map(([good, fields]) => goodReport(good, fields, round)),
    round.players.length || !round.secret ? results(id, round, wall) : "",
  ];
}

/** Says what is not public, and lets the host change that. */
export function secret(id, round) {
  if (!round.players.length) return h("p.soft", {}, t("debrief.secret"));
  const button = h("button", { type: "button", onclick: () => reveal(id) }, t("reveal.reveal"));
  return h("div.row", {}, h("p.soft", {}, t("debrief.secret_of_host")), button);
}

async function reveal(id) {
  const dialog = h(
    "dialog",
    { "aria-label": t("reveal.reveal") },
    h("h2", {}, t("reveal.question")),
    h("p", {}, t("reveal.warning")),
    h("p", {}, t("reveal.again")),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "no" }, t("common.no")),
      h("button.primary", { value: "yes" }, t("reveal.reveal")),
    ),
  );
  if ((await openDialog(dialog)) !== "yes") return;
  try {
    await json("POST", path(id, "/reveal"));
    toast(t("reveal.done"));
  } catch (error) {
    toast(explain(error), true);
  }
}

function goodReport(good, fields, round) {
  const mean = fields.volume ? Math.round((fields.notional / fields.volume) * 10) / 10 : null;
  const { low, high } = fields;
  const traded = { units: t("common.units", { count: fields.volume }), low, high };
  const trades = t("common.trades", { count: fields.trades });
  const words = [
    mean === null ? t("debrief.no_trade") : t("debrief.traded", { ...traded, trades, mean: tenths(mean) }),
  ];
  if (fields.equilibrium) {
    const { qty, low, high } = fields.equilibrium;
    const theory = { units: t("common.units", { count: qty }), low, high };
    words.push(t(low === high ? "debrief.theory_at" : "debrief.theory_between", theory));
    if (round.treatment && fields.equilibrium.surplus < round.max_surplus)
      words.push(t("debrief.theory_loss", { coins: round.max_surplus - fields.equilibrium.surplus }));
  }
  if (fields.tax) words.push(t("debrief.tax", { coins: fields.tax }));
  if (fields.settled !== null) words.push(t("debrief.settled", { price: fields.settled }));
  else if (fields.mark_source)
    words.push(t("debrief.mark", { price: fields.mark, source: t(`source.${fields.mark_source}`) }));
  const plots = [];
  const which =
    fields.tape.length < fields.trades
      ? t("debrief.last_trades", { count: fields.tape.length })
      : t("debrief.all_trades");
  const caption =
    fields.settled !== null
      ? t("debrief.with_line", { which })
      : fields.equilibrium
        ? t("debrief.with_band", { which })
        : which;
  if (fields.trades)
    plots.push(h("figure", {}, h("figcaption", {}, caption), pricesOverTime(fields, round.opened_at, round.closed_at)));
  if (fields.demand.length || fields.supply.length) {
    const { buyerTax, sellerTax } = termsOf(round, good);
    const after = {
      ...fields,
      demand: fields.demand.map((value) => value - buyerTax),
      supply: fields.supply.map((cost) => cost + sellerTax),
    };
    const words = t(buyerTax || sellerTax ? "debrief.curves_after_tax" : "debrief.curves");
    plots.push(h("figure", {}, h("figcaption", {}, words), supplyAndDemand(after)));
  }
  return h(
    "section",
    { "aria-label": t("debrief.of_good", { good }) },
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
    ["th", t("common.player"), "name"],
    ...(roles ? [["th", t("debrief.role"), "role"]] : []),
    ["th.r.more", t("debrief.began"), "more"],
    ["th.r.more", t("debrief.ended"), "more"],
    ["th.r", t("common.gain"), "gain"],
  ];
  const rank = ranks(players.map(({ gain }) => gain));
  const row = ({ name, role, start, worth, gain, ...of }, index) =>
    h(
      "tr",
      {},
      h("td.r.num", {}, coins(rank[index])),
      h("td", {}, userText(name), h("span.soft", {}, robotMark(of))),
      roles ? h("td", {}, role === null ? "" : t(`role.${role}`)) : null,
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
        h(
          "caption.visually-hidden",
          {},
          t(index ? "debrief.results_continued" : "debrief.results_of", { number: round.round }),
        ),
        h("colgroup", {}, ...heads.map(([, , column]) => h(`col.${column}`))),
        h("thead", {}, h("tr", {}, ...heads.map(([tag, title]) => h(tag, { scope: "col" }, title)))),
        h("tbody", {}, ...part),
      ),
    );
  return h(
    "div",
    {},
    h("div.row", {}, h("h3", {}, t("debrief.results")), wall ? null : h("div.row", {}, ...tableButtonsWithToasts(id))),
    h("div.scroll.results", { tabindex: 0, role: "region", "aria-label": t("debrief.results") }, ...tables),
  );
}
