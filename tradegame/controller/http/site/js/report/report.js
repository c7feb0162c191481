// What a report says: the sums, round by round, and each round's prices with the player's own trades.

import { h, userText } from "../common/dom.js";
import { coins, direction, percent, signed, time } from "../common/format.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { pricesOverTime } from "../host/plots.js";

/** A closed round: `common` as everybody saw it, `own`, and `compared`, which is undefined while it is a secret. */
function roundsOf({ rounds, own, compared }) {
  const common = new Map(rounds.map((round) => [round.round, round]));
  const others = new Map((compared?.rounds ?? []).map((round) => [round.round, round]));
  return own.rounds
    .filter(({ round }) => common.has(round))
    .map((round) => ({ common: common.get(round.round), own: round, compared: others.get(round.round) }));
}

export function report(found) {
  const rounds = roundsOf(found);
  return h(
    "main.report",
    {},
    h("div.lead", {}, h("h2", {}, `${t("report.title")}: `, userText(found.name)), h("p.soft", {}, t("report.about"))),
    figures(found, rounds),
    rounds.length
      ? overview(found, rounds)
      : h("p.empty", {}, t(found.rounds.length ? "report.no_round" : "report.none")),
    ...rounds.map((round) => chapter(found, round)),
    foot(found, rounds),
  );
}

/** What was gained of the good with private values, and what could have been, where that is known; else null. */
function play(good, { common, own, compared }) {
  if (common.practice || good === null || compared === undefined || compared.possible === null) return null;
  return { gain: own.goods[good]?.gain ?? 0, possible: compared.possible };
}

const share = (gain, possible) => (possible > 0 ? percent(gain / possible) : "–");

function figures({ own, compared, good }, rounds) {
  const plays = rounds.map((round) => play(good, round)).filter(Boolean);
  const sum = (name) => plays.reduce((total, each) => total + each[name], 0);
  const facts = [[t("report.total"), signed(own.total), direction(own.total)]];
  if (compared && rounds.length)
    facts.push([t("report.place"), t("report.of", { rank: compared.rank, players: compared.players })]);
  if (plays.length)
    facts.push(
      [t("report.possible"), coins(sum("possible"))],
      [t("report.efficiency"), share(sum("gain"), sum("possible"))],
    );
  return h(
    "div.figures",
    {},
    ...facts.map(([name, value, kind]) =>
      h("dl", {}, h("dt", {}, name), h("dd.num", {}, kind ? h("span", { class: kind }, value) : value)),
    ),
  );
}

/** A table that stacks the cells of a row where its columns do not fit beside each other. */
function table(heads, rows, caption = null) {
  for (const row of rows) heads.forEach(([, words], place) => row.children[place].setAttribute("data-head", words));
  const titles = heads.map(([tag, words]) => h(tag, { scope: "col" }, words));
  const made = h("table", {}, caption, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows));
  const fit = () => {
    made.classList.remove("stacked");
    made.classList.toggle("stacked", made.offsetWidth > made.parentElement.clientWidth);
  };
  new ResizeObserver(() => made.parentElement && fit()).observe(document.documentElement);
  return made;
}

function overview({ good, secret }, rounds) {
  const values = rounds.some(({ compared }) => compared && compared.possible !== null);
  const heads = [
    ["th", "report.round"],
    ["th.r", "common.gain"],
    ...(values
      ? [
          ["th.r", "report.possible"],
          ["th.r", "report.efficiency"],
        ]
      : []), // prettier-ignore
    ...(secret ? [] : [["th.r", "report.place"]]),
  ];
  const row = (round) => {
    const { common, own, compared } = round;
    const made = play(good, round);
    return h(
      "tr",
      {},
      h("td", {}, common.practice ? t("report.practice") : t("clock.round", { number: common.round })),
      h("td.r.num", {}, h("span", { class: direction(own.gain) }, signed(own.gain))),
      values ? h("td.r.num", {}, coins(made?.possible)) : null,
      values ? h("td.r.num", {}, made ? share(made.gain, made.possible) : "–") : null,
      secret ? null : h("td.r.num", {}, t("report.of", { rank: compared.rank, players: compared.players })),
    );
  };
  return h(
    "section.panel",
    { "aria-label": t("report.by_round") },
    h("header", {}, h("h2", {}, t("report.by_round"))),
    table(
      heads.map(([tag, word]) => [tag, t(word)]),
      rounds.map(row),
    ),
  );
}

function chapter(found, round) {
  const { common, own, compared } = round;
  const name = common.practice ? t("report.practice") : t("clock.round", { number: common.round });
  const mine = (good) => own.trades.filter((trade) => trade.good === good);
  const goods = Object.entries(common.goods).filter(([good]) => mine(good).length || good === found.good);
  return h(
    "section.panel.chapter",
    { "aria-label": name },
    h("header", {}, h("h2", {}, name)),
    h(
      "div.body",
      {},
      side(own),
      h(
        "div.charts",
        {},
        ...goods.map(([good, fields]) => h("figure", {}, ...chart(good, fields, common, compared, found, mine(good)))),
      ),
      trades(found, own),
    ),
  );
}

/** Which side the player was on, and their values: costs from the least up. */
function side({ role, values }) {
  if (!role || !values?.length) return null;
  const list = (role === "seller" ? values.toReversed() : values).map(coins).join(" · ");
  return h("p.side", {}, t(role === "seller" ? "report.seller" : "report.buyer", { values: list }));
}

function chart(good, { prices, settled, mark, mark_source: source }, common, compared, found, mine) {
  const equilibrium = good === found.good ? (compared?.equilibrium ?? null) : null;
  const words = [t("report.prices", { good })];
  if (equilibrium) words.push(t("report.band"));
  if (settled !== null) words.push(t("debrief.settled", { price: coins(settled) }));
  else if (source) words.push(t("debrief.mark", { price: coins(mark), source: t(`source.${source}`) }));
  const tape = { tape: prices, equilibrium, settled };
  return [
    h("figcaption", {}, words.join("; ")),
    pricesOverTime(tape, common.opened_at ?? common.closed_at, common.closed_at, mine),
  ];
}

function trades(found, { trades: list, goods, role }) {
  if (!list.length) return h("p.soft.none", {}, t("report.no_trades"));
  const several = Object.keys(goods).length > 1;
  const fees = list.some(({ fee }) => fee);
  const heads = [
    ["th", t("common.time")],
    ["th", t("report.trade")],
    ["th.r", t("common.price")],
    ...(fees ? [["th.r", t("report.fee")]] : []),
    ["th.r", t(!found.good ? "report.counted" : role === "seller" ? "report.cost" : "report.worth")],
    ["th.r", t("common.gain")],
  ];
  const all = Object.values(goods).reduce((sum, { bought, sold }) => sum + bought + sold, 0);
  const row = ({ at, good, side: way, price, qty, fee, value, gain }) =>
    h(
      "tr",
      {},
      h("td.num", {}, time(at)),
      h(
        "td",
        {},
        h(`span.${way === "bid" ? "bought" : "sold"}`, {}, t(way === "bid" ? "report.bought" : "report.sold", { qty })),
        several ? h("span.soft", {}, ` ${good}`) : null,
      ),
      h("td.r.num", {}, coins(price)),
      fees ? h("td.r.num", {}, fee ? coins(fee) : "") : null,
      h("td.r.num", {}, coins(value)),
      h("td.r.num", {}, h("span", { class: direction(gain) }, signed(gain))),
    );
  return h(
    "div.trades",
    {},
    table(heads, list.map(row), h("caption.visually-hidden", {}, t("report.trades"))),
    all > list.reduce((sum, { qty }) => sum + qty, 0) ? h("p.soft", {}, t("report.last_trades")) : null,
  );
}

function foot({ secret, partial, key }, rounds) {
  const possible = rounds.some(({ compared }) => compared && compared.possible !== null);
  const link = location.href;
  async function copy() {
    try {
      await navigator.clipboard.writeText(link);
      toast(t("report.copied"));
    } catch {
      toast(t("report.copy_by_hand"), true); // over plain HTTP there is no clipboard
    }
  }
  return h(
    "footer.foot",
    {},
    secret ? h("p", {}, t("report.secret")) : null,
    possible ? h("p.soft", {}, t("report.how")) : null,
    partial ? h("p.soft", {}, t("report.partial")) : null,
    key ? h("p.soft.link", {}, t("report.link_about")) : null,
    key ? h("p.address.link", {}, h("a", { href: link }, link)) : null,
    h(
      "div.row.link",
      {},
      key ? h("button", { type: "button", onclick: copy }, t("report.copy")) : null,
      h("button", { type: "button", onclick: () => print() }, t("report.print")),
    ),
  );
}

// On paper it is light.
let theme = "";
addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
});
