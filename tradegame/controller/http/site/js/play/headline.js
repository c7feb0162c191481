// Above the chart: the chosen good with its last price, and on a phone the choice of another.

import { h, rows, setAttribute, setText } from "../common/dom.js";
import { coins, direction, percents } from "../common/format.js";
import { t } from "../common/words.js";
import { flash } from "./flash.js";

export function headline(desk) {
  const { game, painter, tapes } = desk;
  const goods = Object.keys(game.state.goods);
  const choice = h("select", { "aria-label": t("common.good"), onchange: () => desk.choose(choice.value) });
  rows(
    choice,
    goods,
    () => h("option"),
    (option, good) => setText(option, good),
  );
  const [name, last, change] = [h("h2.head", {}, ""), h("b.last.num", {}, ""), h("span.num", {}, "")];
  const paint = () => {
    const { good } = desk;
    choice.value = good;
    setText(name, good);
    const price = coins(game.state.goods[good].last);
    setText(last, price);
    document.title = `${price} ${good} · ${game.state.title || game.id}`;
    const moved = tapes.change(good);
    setText(change, moved === null ? "" : percents(moved));
    setAttribute(change, "class", `num ${direction(moved ?? 0)}`);
  };
  game.on("trade", ({ good, taker }) => {
    if (good !== desk.good) return;
    painter.mark(paint);
    flash(last, taker === "sell" ? "down-soft" : "up-soft");
  });
  for (const type of ["reset", "round"]) game.on(type, () => painter.mark(paint));
  desk.onchoose(() => painter.mark(paint));
  painter.mark(paint);
  const element = h("div.quote", {}, goods.length > 1 ? choice : null, name, last, change);
  element.classList.toggle("choosing", goods.length > 1);
  return element;
}
