// The pictures of the instructions: drawn, not written, so that they are the same in every language. Only numbers stand
// in them. Colours are those of the page.

import { svg } from "../common/dom.js";
import { coins, signed } from "../common/format.js";

const [WIDTH, HEIGHT] = [320, 160];
const BASE = 146;

function picture(...parts) {
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", focusable: "false" }, ...parts);
}
const text = (x, y, words, kind = "") => svg(kind ? `text.${kind}` : "text", { x, y, "text-anchor": "middle" }, words);
const line = (kind, x1, y1, x2, y2) => svg(`line.${kind}`, { x1, y1, x2, y2 });
const box = (kind, x, y, width, height) => svg(`rect.${kind}`, { x, y, width, height, rx: 4 });
const person = (x, y, kind) => [
  svg(`circle.${kind}`, { cx: x, cy: y, r: 8 }),
  svg(`path.${kind}`, { d: `M${x - 14} ${y + 27}a14 14 0 0 1 28 0z` }),
];
const triangle = (kind, x, y, up) => svg(`path.${kind}`, { d: up ? `M${x} ${y}l8 13h-16z` : `M${x} ${y}l8 -13h-16z` });

/** Bars that stand on the ground, each with its number on top. */
const bars = (kind, left, values) =>
  values.flatMap((value, index) => {
    const [x, height] = [left + index * 34, value * 0.62];
    return [box(kind, x, BASE - height, 26, height), text(x + 13, BASE - height - 5, coins(value))];
  });

function ownValues() {
  return picture(
    ...person(62, 16, "bid"),
    ...bars("bid", 14, [115, 95, 75]),
    line("ground", 8, BASE, 120, BASE),
    ...person(258, 16, "ask"),
    ...bars("ask", 206, [40, 60, 90]),
    line("ground", 200, BASE, 312, BASE),
  );
}

/** Asks above, bids below, the best next to each other; one of somebody's own between them. */
function book() {
  const row = (kind, y, width, price) => [
    box(kind, WIDTH / 2 - width / 2, y, width, 22),
    text(WIDTH / 2, y + 16, coins(price), "on"),
  ];
  return picture(
    ...row("ask", 8, 150, 110),
    ...row("ask", 36, 110, 105),
    box("own", WIDTH / 2 - 35, 64, 70, 22),
    text(WIDTH / 2, 80, coins(100)),
    ...row("bid", 92, 110, 95),
    ...row("bid", 120, 150, 90),
    ...person(40, 50, "accent"),
    svg("path.arrow", { d: "M64 64 Q80 48 98 48 m-9 -6 l9 6 l-9 6" }),
    ...person(280, 62, "soft"),
    svg("path.arrow.soft", { d: "M256 75 H204 m9 -6 l-9 6 l9 6" }),
  );
}

/** What a unit is worth, what it costs, and the price between the two. */
function gains() {
  const at = (value) => BASE - value * 1.05;
  return picture(
    box("bid.faint", 60, at(120), 60, at(0) - at(120)),
    box("gain", 60, at(120), 60, at(85) - at(120)),
    text(90, at(120) - 5, coins(120)),
    text(90, at(98), signed(35), "on"),
    box("ask.faint", 200, at(85), 60, at(0) - at(85)),
    box("ask", 200, at(50), 60, at(0) - at(50)),
    box("gain", 200, at(85), 60, at(50) - at(85)),
    text(230, at(63), signed(35), "on"),
    text(230, at(20), coins(50), "on"),
    line("ground", 20, BASE, 300, BASE),
    line("price", 20, at(85), 300, at(85)),
    text(160, at(85) - 5, coins(85)),
  );
}

function lowAndHigh() {
  return picture(
    line("ground", 10, BASE, 310, BASE),
    svg("polyline.path", { points: "14,80 44,96 74,112 104,98 134,70 164,76 194,44 224,32 254,50 306,60" }),
    triangle("bid", 74, 116, true),
    text(74, 104, coins(20)),
    triangle("ask", 224, 28, false),
    text(224, 50, coins(30)),
    text(152, 30, signed(10), "up"),
  );
}

function news() {
  return picture(
    box("paper", 16, 40, 84, 84),
    box("ink", 26, 50, 64, 10),
    ...[70, 80, 90, 100, 110].map((y) => line("ground", 26, y, y % 20 ? 90 : 74, y)),
    svg("path.arrow", { d: "M112 82 H148 m-9 -6 l9 6 l-9 6" }),
    line("ground", 160, BASE, 312, BASE),
    svg("polyline.path", { points: "164,112 186,106 204,114 222,108 232,52 254,44 276,50 308,38" }),
    line("price", 228, 20, 228, BASE),
  );
}

function values(settlement, out = null) {
  const shown = settlement.slice(0, 5);
  const step = WIDTH / shown.length;
  return shown.flatMap((value, index) => {
    const x = step * (index + 0.5);
    const coin = [svg("circle.coin", { cx: x, cy: 104, r: 25 }), text(x, 109, coins(value))];
    if (index !== out) return coin;
    return [...coin, line("cross", x - 22, 82, x + 22, 126), line("cross", x + 22, 82, x - 22, 126)];
  });
}

const drawn = (settlement) => picture(text(WIDTH / 2, 58, "?", "question"), ...values(settlement));

function hint(settlement) {
  const out = Math.min(1, settlement.length - 1);
  const x = (WIDTH / Math.min(5, settlement.length)) * (out + 0.5);
  return picture(
    ...person(x, 14, "accent"),
    svg("path.arrow", { d: `M${x} 46 v24 m-6 -9 l6 9 l6 -9` }),
    ...values(settlement, out),
  );
}

function towards() {
  return picture(
    line("ground", 10, BASE, 310, BASE),
    line("price", 10, 40, 310, 40),
    svg("circle.coin", { cx: 286, cy: 40, r: 18 }),
    svg("polyline.path", { points: "14,120 50,124 90,108 130,112 170,84 210,70 240,52 266,44" }),
    triangle("bid", 90, 114, true),
    triangle("bid", 170, 90, true),
    ...person(40, 62, "soft"),
  );
}

/** By kind of game three pictures; each is given the values at one of which the good is paid, if there are any. */
export const PICTURES = {
  auction: [ownValues, book, gains],
  market: [lowAndHigh, book, news],
  forecast: [drawn, hint, towards],
};
