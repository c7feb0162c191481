// Chat, to everyone or to one player; and the list of players.

import { BOUNDS } from "../client/vocabulary.js";
import { h, keyed, rows, setAttribute, setText, userText } from "../common/dom.js";
import { nameOf } from "../common/names.js";
import { panel } from "../common/panels.js";
import { toast } from "../common/toast.js";

const LINES = 200;
const SHOWN_PLAYERS = 200;

export function chatPanels({ client, game, painter }) {
  const log = h("div.log", { role: "log", "aria-label": "Messages", tabindex: 0 });
  const to = h("select", { "aria-label": "To" }, h("option", { value: "" }, "Everyone"));
  const text = h("input", {
    "aria-label": "Message",
    maxlength: BOUNDS.text,
    placeholder: "Say something",
    autocomplete: "off",
    dir: "auto",
  });
  const form = h("form", { onsubmit: send }, to, text, h("button", { type: "submit" }, "Send"));
  const { section: talk, body } = panel("Chat", { className: "chat", on: "chat", flush: true });
  body.replaceWith(log, form);

  function line(kind, who, words) {
    const bottom = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(h(kind ? `div.${kind}` : "div", {}, who ? userText(who, "span.who.text") : null, userText(words)));
    while (log.children.length > LINES) log.firstElementChild.remove();
    if (bottom) log.scrollTop = log.scrollHeight;
  }
  const message = ({ player, text: words }) => line("", nameOf(game, player), words);
  function reset() {
    log.replaceChildren();
    const told = [...game.state.messages, ...(game.state.news ?? []).map((news) => ({ ...news, news: true }))].sort(
      (one, other) => one.at - other.at,
    );
    for (const each of told) each.news ? line("news", "News", each.text) : message(each);
    log.scrollTop = log.scrollHeight;
  }
  game.on("said", message);
  game.on("news", (news) => line("news", "News", news.text));
  game.on("whisper", ({ player, to: whom, text: words }) =>
    line(
      "whisper",
      player === client.player.id ? `You to ${nameOf(game, whom)}` : `${nameOf(game, player)} to you`,
      words,
    ),
  );
  game.on("unsaid", reset);
  game.on("reset", reset);
  reset();

  /** Nobody is asked to write what would be refused. */
  function silence() {
    const why =
      game.state.chat === false
        ? "The host has switched the chat off."
        : game.me?.muted
          ? "The host has muted you."
          : "";
    for (const field of form.elements) field.disabled = why !== "";
    setAttribute(text, "placeholder", why || "Say something");
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
      toast(lost ? `“${words}” was not sent: ${error.message}` : error.message, true);
    }
  }

  const list = h("ul");
  const count = h("span.soft.num");
  const { section: players } = panel("Players", { on: "more", flush: true, scroll: true, end: [count] }, list);
  function whisperTo(player) {
    to.value = player;
    document.querySelector(".play").dataset.tab = "chat";
    text.focus();
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
    setText(count, `${here.length} here, ${everyone.length} in all`);
    const shown = [...here, ...everyone.filter(([player]) => !game.online.has(player))].slice(0, SHOWN_PLAYERS);
    keyed(
      list,
      shown,
      ([player]) => player,
      make,
      (item, [player, { name }]) => {
        const button = item.firstChild;
        button.player = player;
        button.disabled = player === client.player.id;
        setText(button.firstChild, name);
        setText(button.lastChild, player === client.player.id ? " (you)" : game.online.has(player) ? "" : " (away)");
        setAttribute(button, "aria-label", player === client.player.id ? `${name}, you` : `Write to ${name}`);
      },
    );
    const others = shown.filter(([player]) => player !== client.player.id);
    const chosen = to.value;
    rows(
      to,
      [["", { name: "Everyone" }], ...others],
      () => h("option"),
      (option, [player, { name }]) => {
        option.value = player;
        setText(option, name);
      },
    );
    if (to.value !== chosen) to.value = [...to.options].some((option) => option.value === chosen) ? chosen : "";
  };
  for (const type of ["joined", "removed", "presence", "reset"]) game.on(type, () => painter.mark(paint));
  painter.mark(paint);
  return { talk, players, focus: () => text.focus() };
}
