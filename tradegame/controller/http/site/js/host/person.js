// What the host does for one person: say something, mute, let a robot sit in, a new link.

import { BOUNDS } from "../client/vocabulary.js";
import { h, userText } from "../common/dom.js";
import { openDialog } from "../common/panels.js";
import { pieces, t } from "../common/words.js";

/**
 * Asks what to do for a person. `words`: what there is to say of them. Resolves with `{chosen, text}`: `tell` with a
 * text, `mute`, `robot`, `link`, `more` for what takes something away, or none of these.
 */
export async function askAbout({ name, words, muted, standIn, robot, seated }) {
  const text = h("input", { maxlength: BOUNDS.text, required: true, dir: "auto", autocomplete: "off" });
  const dialog = h(
    "dialog.person",
    { "aria-label": t("person.title") },
    h("h2", {}, userText(name)),
    words.length ? h("p.soft", {}, words.join(" · ")) : null,
    robot
      ? null
      : h(
          "form",
          { method: "dialog" },
          h("label", {}, ...pieces("person.say"), text),
          h("div.row", {}, h("button.primary", { value: "tell" }, t("person.send"))),
        ),
    h(
      "form.row",
      { method: "dialog" },
      h("button", { value: "close" }, t("common.close")),
      seated ? h("button", { value: "link" }, t("link.new")) : null,
      robot ? null : h("button", { value: "robot" }, t(standIn ? "robots.let_go" : "robots.sit_in")),
      robot ? null : h("button", { value: "mute" }, t(muted ? "kick.unmute" : "kick.mute")),
      h("button", { value: "more" }, t("person.more")),
    ),
  );
  const chosen = await openDialog(dialog);
  return { chosen, text: text.value };
}
