// The debrief's drawings: supply and demand as steps, and each trade's price against time.

import { svg } from "../common/dom.js";
import { coins } from "../common/format.js";
import { t } from "../common/words.js";

const BOX = { width: 560, height: 300, left: 44, right: 14, top: 30, bottom: 30 };

/** Four to eight round numbers from below `low` to above `high`, 1, 2 or 5 times a power of ten apart. */
function ticks(low, high) {
  const rough = Math.max(1, (high - low) / 5);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

function frame(title, words, lowest, highest) {
  const marks = ticks(lowest, highest);
  const [low, high] = [marks[0], marks.at(-1)];
  const span = Math.max(1, high - low);
  const y = (value) => BOX.height - BOX.bottom - ((value - low) / span) * (BOX.height - BOX.top - BOX.bottom);
  const picture = svg("svg", {
    viewBox: `0 0 ${BOX.width} ${BOX.height}`,
    role: "img",
    "aria-label": `${title}. ${words}`,
  });
  for (const value of marks) {
    picture.append(
      svg("line.line", { x1: BOX.left, x2: BOX.width - BOX.right, y1: y(value), y2: y(value) }),
      svg("text", { x: BOX.left - 6, y: y(value) + 4, "text-anchor": "end" }, coins(value)),
    );
  }
  picture.append(
    svg("line.axis", {
      x1: BOX.left,
      x2: BOX.width - BOX.right,
      y1: BOX.height - BOX.bottom,
      y2: BOX.height - BOX.bottom,
    }),
  );
  return { picture, y };
}

function band(picture, y, equilibrium) {
  if (equilibrium === null) return;
  const top = y(equilibrium.high);
  picture.append(
    svg("rect.band", {
      x: BOX.left,
      width: BOX.width - BOX.left - BOX.right,
      y: top,
      height: Math.max(2, y(equilibrium.low) - top),
    }),
  );
}

export function supplyAndDemand({ demand, supply, equilibrium }) {
  const values = [...demand, ...supply];
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const words = equilibrium
    ? t("plots.meet", { count: equilibrium.qty, low: equilibrium.low, high: equilibrium.high })
    : t("plots.do_not_meet");
  const { picture, y } = frame(t("plots.supply_and_demand"), words, low, high);
  const most = Math.max(demand.length, supply.length, 1);
  const x = (units) => BOX.left + (units / most) * (BOX.width - BOX.left - BOX.right);
  band(picture, y, equilibrium);
  const steps = (list) =>
    list.map((value, index) => `${index ? "L" : "M"}${x(index)} ${y(value)}L${x(index + 1)} ${y(value)}`).join("");
  // the legend stands above the drawing, where no curve is
  [
    ["demand", demand],
    ["supply", supply],
  ].forEach(([name, list], index) => {
    const left = BOX.left + index * 110;
    if (list.length)
      picture.append(
        svg(`path.${name}`, { d: steps(list) }),
        svg(`path.${name}`, { d: `M${left} 12H${left + 30}` }),
        svg(`text.label-${name}`, { x: left + 36, y: 16 }, t(`curve.${name}`)),
      );
  });
  picture.append(
    svg(
      "text",
      { x: BOX.width - BOX.right, y: BOX.height - 8, "text-anchor": "end" },
      t("common.units", { count: most }),
    ),
  );
  return picture;
}

/** `own`: trades to be marked, fills of the protocol. `scale`: other prices that have a place in it. */
export function pricesOverTime({ tape, equilibrium, settled }, openedAt, closedAt, own = [], scale = []) {
  const values = [
    ...scale,
    ...tape.map(([, price]) => price),
    ...own.map(({ price }) => price),
    ...(equilibrium ? [equilibrium.low, equilibrium.high] : []),
    ...(settled === null ? [] : [settled]),
  ];
  const spread = Math.max(4, (Math.max(...values) - Math.min(...values)) * 0.15);
  const [low, high] = values.length
    ? [Math.max(0, Math.floor(Math.min(...values) - spread)), Math.ceil(Math.max(...values) + spread)]
    : [0, 1];
  const { picture, y } = frame(t("plots.prices"), t("common.trades", { count: tape.length }), low, high);
  const from = Math.min(openedAt, tape[0]?.[0] ?? openedAt);
  const x = (at) => BOX.left + ((at - from) / Math.max(1, closedAt - from)) * (BOX.width - BOX.left - BOX.right);
  band(picture, y, equilibrium);
  if (settled !== null) band(picture, y, { low: settled, high: settled });
  if (tape.length)
    picture.append(
      svg("path.path", {
        d: tape.map(([at, price], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(price).toFixed(1)}`).join(""),
      }),
    );
  for (const [at, price] of tape)
    picture.append(svg("circle.dot", { cx: x(at).toFixed(1), cy: y(price).toFixed(1), r: 3.2 }));
  for (const { at, price, side, qty } of own) {
    const up = side === "bid" ? 1 : -1; // it points up where one bought
    const words = t(side === "bid" ? "report.bought" : "report.sold", { qty });
    const d = `M${x(at).toFixed(1)} ${(y(price) - 9 * up).toFixed(1)}l8 ${15 * up}h-16z`;
    picture.append(
      svg(`path.own.${side === "bid" ? "buy" : "sell"}`, { d }, svg("title", {}, `${words}: ${coins(price)}`)),
    );
  }
  picture.append(
    svg("text", { x: BOX.left, y: BOX.height - 8 }, t("plots.opening")),
    svg("text", { x: BOX.width - BOX.right, y: BOX.height - 8, "text-anchor": "end" }, t("plots.close")),
  );
  return picture;
}
