// The round's clock.

import { h, setAttribute, setText } from "./dom.js";
import { span } from "./format.js";
import { whileShown } from "./repeat.js";
import { roundName } from "./terms.js";
import { t } from "./words.js";

export function roundClock(game) {
  const phase = h("span.tag", {}, "");
  const round = h("span.soft", {}, "");
  const left = h("b.num", {}, "");
  const element = h("span.clock", { role: "timer", "aria-label": t("clock.label") }, round, phase, left);

  function tick() {
    const { phase: now, round: number, ends_at: endsAt, paused_at: pausedAt, rules } = game.state;
    setAttribute(phase, "data-phase", pausedAt === undefined ? now : "paused");
    setText(phase, t(`phase.${pausedAt === undefined ? now : "paused"}`));
    const rounds = rules?.rounds;
    // after the last planned round, the host opens further ones by hand
    const planned = rounds && rounds.repeat > 1 && number <= rounds.repeat;
    const words = planned && number > 0 ? t("clock.round_of", { number, rounds: rounds.repeat }) : roundName(number);
    setText(round, rounds || rules?.practice || number !== 1 ? words : "");
    setText(left, endsAt === null ? "" : span(endsAt - (pausedAt ?? game.now())));
  }
  whileShown(element, 250, tick);
  game.on("round", tick);
  game.on("clock", tick);
  game.on("reset", tick);
  tick();
  return element;
}
