// The market's chart: live candles and volume, with the player's own trades and orders (lightweight-charts).

import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineStyle,
} from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { Candles } from "./candles.js";
import { h, setText } from "./dom.js";
import { coins, duration, gridLabels, moment, signed, tickTime } from "./format.js";
import { colour } from "./theme.js";
import { t } from "./words.js";

/** Seconds that a candle may have. */
const INTERVALS = [5, 15, 60, 300];
/** The most candles in a round. */
const CANDLES_A_ROUND = 60;
/** Pixels from one candle to the next: with few candles, with many, and at most, however far the reader zooms in. */
const WIDE = 18;
const USUAL = 9;
const WIDEST = 80;
/** Room left of the first candle, in pixels, for the half of its time. */
const LEAD = 24;
/** Room left at the right, in candles. */
const AHEAD = 5;
const MOST_MARKS = 60;
const DESCRIBE_MS = 5_000;

const lengthFor = (openS) =>
  openS === undefined ? 15 : (INTERVALS.find((seconds) => seconds * CANDLES_A_ROUND >= openS) ?? INTERVALS.at(-1));

/**
 * `tapes` has the trades; `own`, if there is a player, those that are theirs, which are marked. `empty` tells what is
 * to be said while there are none.
 */
export class MarketChart {
  good = null;

  #game;
  #tapes;
  #painter;
  #own;
  #empty;
  #candles;
  #chart;
  #drawn;
  #prices;
  #volumes;
  #markers;
  #figures = h("span.num");
  #none = h("p.none", {}, "");
  #changed = new Map();
  /** Whether all candles fit, so that the view grows with them. */
  #young = true;
  /** Whether the reader has moved the view: then it stays until another good or candle length is chosen. */
  #moved = false;
  #grown = false;
  #zone = zone();
  #gone = new AbortController();
  #under = null;
  #lines = [];
  #ordered = "[]";
  #describedAt = -Infinity;

  constructor(game, tapes, painter, { own = null, size = 12, empty = () => t("chart.none") } = {}) {
    this.#game = game;
    this.#tapes = tapes;
    this.#painter = painter;
    this.#own = own;
    this.#empty = empty;
    this.#candles = new Candles(lengthFor(game.state.rules?.rounds?.open_s));
    this.plot = h("div.plot");
    this.#chart = createChart(this.plot, {
      autoSize: true,
      layout: {
        attributionLogo: false,
        fontSize: size,
        background: { color: "transparent" },
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.1, bottom: 0.26 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: true,
        rightOffset: AHEAD,
        barSpacing: USUAL,
        maxBarSpacing: WIDEST,
        tickMarkFormatter: tickTime,
      },
      localization: {
        priceFormatter: (price) => (price < 0 ? "" : coins(Math.round(price))),
        tickmarksPriceFormatter: gridLabels,
        timeFormatter: moment,
      },
    });
    this.#drawn = this.#chart.chartElement();
    this.#drawn.setAttribute("role", "img");
    this.#drawn.setAttribute("aria-label", t("chart.prices"));
    this.#prices = this.#chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: 0, minMove: 1 },
    });
    this.#volumes = this.#chart.addSeries(HistogramSeries, {
      priceFormat: { type: "volume" },
      priceScaleId: "",
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#markers = createSeriesMarkers(this.#prices, []);
    const attribution = h(
      "a",
      { href: "https://www.tradingview.com/", target: "_blank", rel: "noopener" },
      t("chart.attribution"),
    );
    this.plot.append(h("div.legend", {}, this.#figures, attribution), this.#none);
    this.#dress();
    this.#chart.subscribeCrosshairMove(({ time }) => {
      this.#under = time ?? null;
      painter.mark(this.#tell);
    });
    // Before layout, and while hidden, it has no width, and nothing can be fitted into it.
    this.#chart.timeScale().subscribeSizeChange(() => painter.mark(this.#resized));
    for (const type of ["wheel", "pointermove", "touchmove"])
      this.#drawn.addEventListener(type, (event) => (this.#moved ||= type !== "pointermove" || event.buttons > 0), {
        passive: true,
      });
    const { signal } = this.#gone;
    addEventListener("themechange", () => this.#dress(), { signal });
    document.addEventListener("visibilitychange", () => painter.mark(this.#retime), { signal });
    game.on("trade", (trade, frame) => this.#trade(trade, frame));
    own?.onadd(() => painter.mark(this.#mark));
    game.on("account", () => painter.mark(this.#order));
    for (const type of ["account", "round"]) game.on(type, () => this.#none.hidden || painter.mark(this.#tell));
    game.on("reset", () => this.good !== null && this.show(this.good));
  }

  show(good) {
    this.good = good;
    this.#describedAt = -Infinity;
    this.#moved = false;
    this.#rebuild();
  }

  /** Frees it, before something else takes its place. */
  dispose() {
    this.#gone.abort();
    this.#chart.remove();
  }

  interval(seconds) {
    this.#candles = new Candles(seconds);
    this.#moved = false;
    this.#rebuild();
  }

  get seconds() {
    return this.#candles.seconds;
  }

  #rebuild() {
    const candles = (this.#candles = new Candles(this.#candles.seconds));
    this.#changed.clear();
    for (const trade of this.#tapes.of(this.good)) candles.add(trade);
    this.#prices.setData(candles.list);
    this.#volumes.setData(candles.list.map((candle) => this.#volume(candle)));
    this.#mark();
    this.#resized();
    this.#order();
    this.#painter.mark(this.#tell);
  }

  #trade(trade, frame) {
    if (trade.good !== this.good) return;
    this.#candles.add([frame.at, trade.price, trade.qty]);
    const { fresh, list } = this.#candles;
    if (fresh) this.#grown = true;
    for (const quiet of list.slice(list.length - Math.max(1, fresh))) this.#changed.set(quiet.time, quiet);
    this.#painter.mark(this.#paint);
  }

  #paint = () => {
    for (const candle of this.#changed.values()) {
      this.#prices.update(candle);
      this.#volumes.update(this.#volume(candle));
    }
    this.#changed.clear();
    if (this.#grown && this.#young) this.#resized();
    this.#grown = false;
    this.#tell();
  };

  /** Few candles start at the left and fill the width; many show the latest and scroll. */
  #resized = () => {
    const scale = this.#chart.timeScale();
    const [count, width] = [this.#candles.list.length + AHEAD, scale.width()];
    if (this.#moved || width === 0) return;
    this.#young = count * USUAL < width;
    if (this.#young) {
      const candles = Math.max(count, width / WIDE);
      scale.setVisibleLogicalRange({ from: -0.5 - (LEAD * candles) / width, to: candles - 0.5 });
    } else {
      scale.applyOptions({ barSpacing: USUAL });
      scale.scrollToPosition(AHEAD, false);
    }
  };

  /** Writes the axis again if the device has changed its time zone. */
  #retime = () => {
    const now = zone();
    if (now === this.#zone) return;
    this.#zone = now;
    this.#chart.timeScale().applyOptions({ tickMarkFormatter: (...given) => tickTime(...given) });
  };

  /** Shows the player's own orders as lines. */
  #order = () => {
    const orders = this.#own === null ? [] : (this.#game.me?.orders ?? []).filter(({ good }) => good === this.good);
    const key = JSON.stringify(orders.map(({ side, qty, price }) => [side, qty, price]));
    if (key === this.#ordered) return;
    this.#ordered = key;
    for (const line of this.#lines) this.#prices.removePriceLine(line);
    this.#lines = orders.map(({ side, qty, price }) =>
      this.#prices.createPriceLine({
        price,
        color: colour(side === "bid" ? "up" : "down"),
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        title: t(side === "bid" ? "chart.bid" : "chart.ask", { qty }),
      }),
    );
  };

  /** Shows the candle under the pointer, else the last one, in numbers. */
  #tell = () => {
    const { list } = this.#candles;
    const some = list.length > 0;
    if (this.#none.hidden !== some)
      this.#chart.applyOptions({ crosshair: { vertLine: { visible: some }, horzLine: { visible: some } } });
    this.#none.hidden = some;
    if (!some) setText(this.#none, this.#empty());
    const candle = (this.#under !== null && list.find(({ time }) => time === this.#under)) || list.at(-1);
    setText(this.#figures, candle ? t("chart.candle", figures(candle)) : "");
    this.#describe(list);
  };

  /** Describes the chart to screen readers; seldom, since other things are read out too. */
  #describe(list) {
    const now = performance.now();
    if (now < this.#describedAt + DESCRIBE_MS) return;
    this.#describedAt = now;
    this.#retime();
    let [low, high] = [Infinity, 0];
    for (const candle of list) [low, high] = [Math.min(low, candle.low), Math.max(high, candle.high)];
    const [good, last] = [this.good, list.at(-1)?.close];
    this.#drawn.setAttribute(
      "aria-label",
      list.length
        ? t("chart.described", { good, last, low, high, count: list.length })
        : t("chart.described_without_trade", { good }),
    );
  }

  /** Marks the player's own trades, as far back as there are candles. */
  #mark = () => {
    const first = this.#candles.list[0]?.time ?? Infinity;
    const marks = (this.#own?.of(this.good) ?? []).map(({ at, side, qty }) => ({
      time: Math.floor(at / 1000 / this.seconds) * this.seconds,
      position: side === "bid" ? "belowBar" : "aboveBar",
      shape: side === "bid" ? "arrowUp" : "arrowDown",
      color: colour(side === "bid" ? "up" : "down"),
      text: signed(side === "bid" ? qty : -qty),
    }));
    this.#markers.setMarkers(marks.filter(({ time }) => time >= first).slice(-MOST_MARKS));
  };

  #volume({ time, open, close, volume }) {
    return { time, value: volume, color: colour(close >= open ? "up" : "down") + "55" };
  }

  #dress() {
    const [up, down] = [colour("up"), colour("down")];
    this.#chart.applyOptions({
      layout: { textColor: colour("soft") },
      grid: { vertLines: { color: colour("grid") }, horzLines: { color: colour("grid") } },
      crosshair: {
        vertLine: { labelBackgroundColor: colour("soft") },
        horzLine: { labelBackgroundColor: colour("soft") },
      },
    });
    this.#prices.applyOptions({
      upColor: up,
      downColor: down,
      wickUpColor: up,
      wickDownColor: down,
      borderUpColor: up,
      borderDownColor: down,
    });
    this.#ordered = ""; // the lines too
    if (this.good !== null) this.#rebuild();
  }
}

const figures = ({ open, high, low, close, volume }) => ({
  open: coins(open),
  high: coins(high),
  low: coins(low),
  close: coins(close),
  volume: coins(volume),
});

/** Times are kept in UTC, since they must ascend; local time goes back once a year and is only displayed. */
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Buttons to choose the candle length. */
export function intervals(chart) {
  const buttons = INTERVALS.map((seconds) =>
    h(
      "button",
      { type: "button", "aria-pressed": String(chart.seconds === seconds), onclick: () => choose(seconds) },
      duration(seconds),
    ),
  );
  function choose(seconds) {
    chart.interval(seconds);
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(INTERVALS[index] === seconds)));
  }
  return h("div.segments", { role: "group", "aria-label": t("chart.intervals") }, ...buttons);
}
