// The market's chart: candles and volume, live, on lightweight-charts.

import { CandlestickSeries, HistogramSeries, createChart, createSeriesMarkers } from "/static/vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { Candles } from "./candles.js";
import { h, setText } from "./dom.js";
import { coins } from "./format.js";
import { colour } from "./theme.js";

export const INTERVALS = [["5s", 5], ["15s", 15], ["1m", 60], ["5m", 300]];
const SPACING = { barSpacing: 9, maxBarSpacing: 18 };

/** `painter` draws it; `tapes` has the trades; `mine` the player whose own are marked, or null. */
export class MarketChart {
  #painter;
  #tapes;
  #candles;
  #chart;
  #prices;
  #volumes;
  #markers;
  #marks = [];
  #changed = new Map();
  #mine;
  #none;
  #figures;
  #under = null;
  good = null;

  constructor(game, tapes, painter, { mine = null, seconds = 15, size = 12 } = {}) {
    this.#painter = painter;
    this.#tapes = tapes;
    this.#mine = mine;
    this.#candles = new Candles(seconds);
    this.plot = h("div.plot");
    this.#chart = createChart(this.plot, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: size, background: { color: "transparent" }, fontFamily: getComputedStyle(document.body).fontFamily },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.26 } },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: true, rightOffset: 5, ...SPACING },
      localization: { priceFormatter: (price) => String(Math.round(price)) },
    });
    const drawn = this.#chart.chartElement();
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", "Price chart");
    this.#prices = this.#chart.addSeries(CandlestickSeries, { priceFormat: { type: "price", precision: 0, minMove: 1 } });
    this.#volumes = this.#chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "", lastValueVisible: false, priceLineVisible: false });
    this.#volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#markers = createSeriesMarkers(this.#prices, []);
    this.#figures = h("span.num");
    const attribution = h("a", { href: "https://www.tradingview.com/", target: "_blank", rel: "noopener" }, "Charts by TradingView");
    this.plot.append(h("div.legend", {}, this.#figures, attribution));
    this.#chart.subscribeCrosshairMove(({ time }) => {
      this.#under = time ?? null;
      this.#painter.mark(this.#tell);
    });
    this.#none = h("p.none", {}, "No trade yet");
    this.plot.append(this.#none);
    this.#dress();
    addEventListener("themechange", () => this.#dress());
    game.on("trade", (trade, frame) => this.#trade(trade, frame));
    game.on("reset", () => this.good !== null && this.show(this.good));
  }

  show(good) {
    this.good = good;
    this.#rebuild();
  }

  interval(seconds) {
    this.#candles = new Candles(seconds);
    this.#rebuild();
  }

  get seconds() {
    return this.#candles.seconds;
  }

  #rebuild() {
    const candles = (this.#candles = new Candles(this.#candles.seconds));
    this.#changed.clear();
    this.#marks = [];
    for (const trade of this.#tapes.of(this.good)) {
      const candle = candles.add(trade);
      this.#mark(candle.time, trade[4], trade[5], trade[2]);
    }
    this.#prices.setData(candles.list.map((candle) => this.#bar(candle)));
    this.#volumes.setData(candles.list.map((candle) => this.#volume(candle)));
    this.#markers.setMarkers(this.#marks);
    // a young market fills the room there is; an old one shows its end
    this.#none.hidden = candles.list.length > 0;
    this.#painter.mark(this.#tell);
    const scale = this.#chart.timeScale();
    if (candles.list.length * SPACING.barSpacing < scale.width()) scale.fitContent();
    else {
      scale.applyOptions(SPACING);
      scale.scrollToPosition(5, false);
    }
  }

  #trade(trade, frame) {
    if (trade.good !== this.good) return;
    const candle = this.#candles.add([frame.at, trade.price, trade.qty]);
    if (this.#mark(candle.time, trade.buyer, trade.seller, trade.qty)) this.#changed.set("marks", true);
    this.#changed.set(candle.time, candle);
    this.#painter.mark(this.#paint);
  }

  #paint = () => {
    for (const [time, candle] of this.#changed) {
      if (time === "marks") continue;
      this.#prices.update(this.#bar(candle));
      this.#volumes.update(this.#volume(candle));
    }
    this.#none.hidden = true;
    if (this.#changed.has("marks")) this.#markers.setMarkers(this.#marks);
    this.#changed.clear();
    this.#tell();
  };

  /** The candle under the pointer in numbers, else the last one. */
  #tell = () => {
    const { list } = this.#candles;
    const candle = (this.#under !== null && list.find(({ time }) => local(time) === this.#under)) || list.at(-1);
    const words = candle && ["open", "high", "low", "close", "volume"].map((name) => `${name[0].toUpperCase()} ${coins(candle[name])}`);
    setText(this.#figures, words ? words.join("  ") : "");
  };

  #mark(time, buyer, seller, qty) {
    if (this.#mine === null || (buyer !== this.#mine && seller !== this.#mine)) return false;
    const bought = buyer === this.#mine;
    this.#marks.push({ time: local(time), position: bought ? "belowBar" : "aboveBar", shape: bought ? "arrowUp" : "arrowDown", color: colour(bought ? "up" : "down"), text: `${bought ? "+" : "−"}${qty}` });
    if (this.#marks.length > 60) this.#marks.shift();
    return true;
  }

  #bar({ time, open, high, low, close }) {
    return { time: local(time), open, high, low, close };
  }

  #volume({ time, open, close, volume }) {
    return { time: local(time), value: volume, color: colour(close >= open ? "up" : "down") + "55" };
  }

  #dress() {
    const [up, down] = [colour("up"), colour("down")];
    this.#chart.applyOptions({
      layout: { textColor: colour("soft") },
      grid: { vertLines: { color: colour("grid") }, horzLines: { color: colour("grid") } },
      crosshair: { vertLine: { labelBackgroundColor: colour("soft") }, horzLine: { labelBackgroundColor: colour("soft") } },
    });
    this.#prices.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderUpColor: up, borderDownColor: down });
    if (this.good !== null) this.#rebuild();
  }
}

/** The library draws UTC: so that the axis has the reader's own time. */
const local = (time) => time - new Date(time * 1000).getTimezoneOffset() * 60;

/** The choice of a candle's length. */
export function intervals(chart) {
  const buttons = INTERVALS.map(([label, seconds]) =>
    h("button", { type: "button", "aria-pressed": String(chart.seconds === seconds), onclick: () => choose(seconds) }, label),
  );
  function choose(seconds) {
    chart.interval(seconds);
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(INTERVALS[index][1] === seconds)));
  }
  return h("div.segments", { role: "group", "aria-label": "Candle length" }, ...buttons);
}
