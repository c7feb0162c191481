// The last news: a line on a desk, a toast on a phone, which has no room for a line.

import { h, setText } from "../common/dom.js";
import { newsLine } from "../common/news_line.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { flash } from "./flash.js";

const MS = 10_000;

export function newsTicker(game) {
  const text = h("span.text", { dir: "auto" }, "");
  const ticker = h(
    "section.ticker",
    { "aria-label": t("news.title"), "aria-live": "polite", "data-on": "market" },
    h("strong.warn", {}, t("news.title")),
    text,
  );
  const told = () => {
    const newest = (game.state.news ?? []).at(-1);
    ticker.hidden = newest === undefined;
    if (newest) setText(text, newsLine(newest));
  };
  game.on("news", (news) => {
    told();
    if (ticker.offsetParent === null) toast(t("news.toast", { text: newsLine(news) }), false, MS);
    else flash(ticker, "warn-soft");
  });
  game.on("reset", told);
  told();
  return ticker;
}
