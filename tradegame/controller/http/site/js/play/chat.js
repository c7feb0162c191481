// Chat, to everyone or to one player; and the list of players.

import { BOUNDS } from "../client/vocabulary.js";
import { h, keyed, rows, setAttribute, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { nameOf } from "../common/names.js";
import { newsLine } from "../common/news_line.js";
import { panel } from "../common/panels.js";
import { robotMark } from "../common/robots.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";

const LINES = 200;
const SHOWN_PLAYERS = 200;

export function chatPanels(desk) {
  const { client, game, painter } = desk;
  const log = h("div.log", { role: "log", "aria-label": t("chat.messages"), tabindex: 0 });
  const to = h("select", { "aria-label": t("chat.to") }, h("option", { value: "" }, t("chat.everyone")));
  const text = h("input", {
    "aria-label": t("chat.message"),
    maxlength: BOUNDS.text,
    placeholder: t("chat.say"),
    autocomplete: "off",
    dir: "auto",
  });
  const form = h("form", { onsubmit: send }, to, text, h("button", { type: "submit" }, t("chat.send")));
  const { section: talk, body } = panel(t("chat.title"), { className: "chat", on: "chat", flush: true });
  const shut = h("p.soft.shut", { hidden: true }, "");
  body.replaceWith(log, shut, form);

  function line(kind, who, words) {
    const bottom = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(h(kind ? `div.${kind}` : "div", {}, who ? userText(who, "span.who.text") : null, " ", userText(words)));
    while (log.children.length > LINES) log.firstElementChild.remove();
    if (bottom) log.scrollTop = log.scrollHeight;
  }
  const message = ({ player, text: words }) => line("", nameOf(game, player), words);
  function reset() {
    log.replaceChildren();
    const told = [...game.state.messages, ...(game.state.news ?? []).map((news) => ({ ...news, news: true }))].sort(
      (one, other) => one.at - other.at,
    );
    for (const each of told) each.news ? line("news", t("news.title"), newsLine(each)) : message(each);
    log.scrollTop = log.scrollHeight;
  }
  game.on("said", message);
  game.on("news", (news) => line("news", t("news.title"), newsLine(news)));
  game.on("whisper", ({ player, to: whom, text: words }) =>
    line(
      "whisper",
      player === client.player.id
        ? t("chat.from_you", { name: nameOf(game, whom) })
        : t("chat.to_you", { name: nameOf(game, player) }),
      words,
    ),
  );
  game.on("unsaid", reset);
  game.on("reset", reset);
  reset();

  /** Nobody is asked to write what would be refused. */
  function silence() {
    const why = game.state.chat === false ? t("chat.off") : game.me?.muted ? t("chat.muted") : "";
    for (const field of form.elements) field.disabled = why !== "";
    shut.hidden = why === "";
    form.hidden = why !== "";
    setText(shut, why);
  }
  for (const type of ["access", "account", "reset"]) game.on(type, silence);
  silence();

  async function send(event) {
    event.preventDefault();
    const words = text.value.trim();
    if (!words) return;
    text.value = "";
    try {
      await game.say(words, to.value ? { to: to.value } : {});
    } catch (error) {
      const lost = text.value !== ""; // the player is already writing the next line
      if (!lost) text.value = words;
      const why = explain(error);
      toast(lost ? t("chat.lost", { words, why }) : why, true);
    }
  }

  const list = h("ul.people");
  const count = h("span.soft.num");
  const { section: players } = panel(t("players.title"), { on: "more", flush: true, scroll: true, end: [count] }, list);
  function focus() {
    desk.show("chat", talk);
    text.focus();
  }
  function whisperTo(player) {
    to.value = player;
    focus();
  }
  const make = () => {
    const button = h(
      "button.quiet",
      { type: "button", onclick: () => whisperTo(button.player) },
      h("span.clip", { dir: "auto" }),
      h("span.soft"),
    );
    return h("li", {}, button);
  };
  const paint = () => {
    const everyone = Object.entries(game.state.players);
    const here = everyone.filter(([player]) => game.online.has(player));
    setText(count, t("players.here", { here: here.length, all: everyone.length }));
    const shown = [...here, ...everyone.filter(([player]) => !game.online.has(player))].slice(0, SHOWN_PLAYERS);
    keyed(
      list,
      shown,
      ([player]) => player,
      make,
      (item, [player, { name, ...of }]) => {
        const button = item.firstChild;
        button.player = player;
        button.disabled = player === client.player.id;
        setText(button.firstChild, name);
        const here = robotMark(of) || (game.online.has(player) ? "" : ` ${t("players.away")}`);
        setText(button.lastChild, player === client.player.id ? ` ${t("players.you")}` : here);
        setAttribute(
          button,
          "aria-label",
          t(player === client.player.id ? "players.label_you" : "players.write", { name }),
        );
      },
    );
    const others = shown.filter(([player]) => player !== client.player.id);
    const chosen = to.value;
    rows(
      to,
      [["", { name: t("chat.everyone") }], ...others],
      () => h("option"),
      (option, [player, { name }]) => {
        option.value = player;
        setText(option, name);
      },
    );
    if (to.value !== chosen) to.value = [...to.options].some((option) => option.value === chosen) ? chosen : "";
  };
  for (const type of ["joined", "removed", "seat", "presence", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  return { talk, players, focus };
}
