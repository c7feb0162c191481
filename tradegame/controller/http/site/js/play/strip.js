// On a phone, always in sight: who one is in the game, the next unit, the money, and what it has come to.

import { h } from "../common/dom.js";
import { coins, direction, signed } from "../common/format.js";
import { t } from "../common/words.js";
import { define } from "./portfolio.js";
import { gained, units } from "./worth.js";

export function strip(desk) {
  const { game, painter } = desk;
  const list = h("dl");
  const paint = () => {
    const { me } = game;
    const lobby = game.state.phase === "lobby"; // what it is worth is told when the round opens
    if (!me) return;
    const told = [];
    const [priced] = Object.keys(me.values ?? {});
    if (priced !== undefined) {
      const buys = me.role !== "seller";
      if (me.role) told.push([t("strip.role"), t(buys ? "strip.buy" : "strip.sell")]);
      told.push([t(buys ? "strip.value" : "strip.cost"), coins(lobby ? null : units(me, priced).next)]);
    } else {
      const [free, held] = [me.goods[desk.good], me.held_goods[desk.good]];
      told.push([desk.good, held ? t("goods.held", { free, held }) : coins(free)]);
    }
    told.push([t("portfolio.cash"), coins(me.cash)]);
    const gain = gained(game);
    told.push([t("strip.result"), me.start === null ? "–" : signed(gain), direction(gain)]);
    define(list, told);
  };
  for (const type of ["account", "trade", "mark", "round", "reset"]) game.on(type, () => painter.mark(paint));
  desk.onchoose(() => painter.mark(paint));
  painter.mark(paint);
  return h("section.strip", { "aria-label": t("strip.title") }, list);
}
