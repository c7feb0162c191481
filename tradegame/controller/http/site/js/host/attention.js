// Who needs the host: who is lost, since the rules refuse one command after another; who has not traded in this round;
// who is not ready. Nodes count refusals in what they apply, so it is the same whichever node took a command in.

import { h, rows, setAttribute, setText } from "../common/dom.js";
import { coins } from "../common/format.js";
import { t } from "../common/words.js";
import { playing } from "./groups.js";

/** So many refusals in a row make somebody lost. */
const LOST = 10;
const KINDS = ["all", "lost", "idle", "unready"];

/** `changed()` is called when another part of the players is to be shown. */
export function attention(game, changed) {
  /** The players by their ids, as the roster has them. @type {Map<string, any>} */
  let known = new Map();
  let shown = "all";
  const quiz = () => game.state.rules?.quiz?.length ?? 0;
  /** Readiness matters where it is asked for: before the first round, with a quiz, or once somebody said it. */
  const counts = () => game.state.phase === "lobby" || quiz() > 0 || [...known.values()].some((of) => of.ready);
  const is = {
    all: () => true,
    lost: (of) => (of.refused ?? 0) >= LOST,
    idle: (of) => of.dealt && !of.traded && game.state.phase !== "lobby",
    unready: (of) => !of.ready && counts(),
  };
  const plays = (player) => {
    const { robot, stand_in: standIn } = playing(game, player);
    return !robot && !standIn;
  };
  const isOf = (kind, player) => kind === "all" || (plays(player) && known.has(player) && is[kind](known.get(player)));

  const place = h("div.segments.attention", { role: "group", "aria-label": t("attention.title") });
  const make = () =>
    h("button", {
      type: "button",
      onclick: ({ currentTarget }) => {
        shown = currentTarget.kind;
        paint();
        changed();
      },
    });
  function paint() {
    const players = Object.keys(game.state.players);
    const found = KINDS.map((kind) => [kind, players.filter((player) => isOf(kind, player)).length]);
    if (!found.some(([kind, count]) => kind === shown && count)) shown = "all";
    const some = found.filter(([kind, count]) => kind === "all" || count);
    place.hidden = some.length === 1;
    rows(place, some, make, (button, [kind, count]) => {
      button.kind = kind;
      setAttribute(button, "aria-pressed", String(kind === shown));
      setText(button, t(`attention.${kind}`, { count: coins(count) }));
      button.classList.toggle("warn", kind === "lost");
    });
  }
  return {
    place,
    paint,
    /** Takes the players of the roster. */
    take(players) {
      known = new Map(players.map((of) => [of.player, of]));
    },
    /** Whether the player is among those to be shown. */
    shows: (player) => isOf(shown, player),
    /** What there is to say of a player, in words; the first is a warning if they are lost. */
    words(player) {
      const of = known.get(player);
      if (of === undefined || !plays(player)) return [];
      return [
        is.lost(of) && t("attention.refused", { count: of.refused }),
        is.idle(of) && t("attention.not_traded"),
        of.right !== undefined && t("attention.quiz", { right: of.right, questions: quiz() }),
        of.ready && counts() && t("attention.ready"),
      ].filter(Boolean);
    },
    isLost: (player) => isOf("lost", player),
    seat: (player) => known.get(player)?.seat,
    label: (player) => known.get(player)?.label,
  };
}
