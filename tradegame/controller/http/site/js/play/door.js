// The form to sign in: a name, or a number that the host knows; and a code from another device.

import { BOUNDS } from "../client/vocabulary.js";
import { h } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { recall } from "../common/storage.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";

export const NAME = "tradegame.name";
const NUMBER = 64;
const CODE = 16;
/** The server wants a name: the roster has none. */
export const wantsName = (error) => error.code === "bad_request" && error.at === "$.name";

function field(label, attributes) {
  const input = h("input", { required: true, "aria-describedby": "door-problem", ...attributes });
  return { input, place: h("label", {}, label, input), value: () => input.value.trim() };
}

/** What went wrong with a number or a code: the server's `unauthorized` is about tokens, too. */
const told = (error, wrong) => (error.code === "unauthorized" ? t(wrong) : explain(error));

/**
 * Makes the forms of a game. `connected(options)` resolves with a client, or rejects with what is shown; `entered` is
 * called with the client. `link`: a personal link's token that wants a name, or null. `note`: what went wrong before.
 */
export function doorForms(game, connected, entered, { link = null, note = "" } = {}) {
  const kind = link !== null ? "name" : (game.entry ?? "open");
  const problem = h("p.error", { role: "alert", id: "door-problem" }, note);
  const attributes = { maxlength: BOUNDS.name, autocomplete: "nickname", value: recall("localStorage", NAME) ?? "" };
  const name = field(t("door.name"), { id: "name", ...attributes });
  const number = field(t(game.shared ? "door.team_number" : "door.number"), {
    id: "number",
    maxlength: NUMBER,
    autocomplete: "off",
    autocapitalize: "off",
  });
  const code = field(t("door.code"), {
    id: "code",
    maxlength: CODE,
    autocomplete: "off",
    autocapitalize: "characters",
  });
  const hint = game.pattern ? h("p.soft", { dir: "ltr" }, t("door.pattern", { pattern: game.pattern })) : null;

  /** A form whose `options()` are what to sign in with. */
  function form(fields, options, words, wrong) {
    const button = h(`button${words === "door.play" ? ".primary" : ""}.big`, { type: "submit" }, t(words));
    async function submit(event) {
      event.preventDefault();
      button.disabled = true;
      problem.textContent = "";
      try {
        const client = await connected(options());
        if (words === "door.use_code") toast(t("device.here", { name: client.player.name }));
        entered(client);
      } catch (error) {
        const bad = name.input.disabled ? t("door.name_wanted") : t("door.bad_name", { most: BOUNDS.name });
        problem.textContent = wantsName(error) ? bad : told(error, wrong);
        if (wantsName(error)) show(name);
        (wantsName(error) ? name : fields[0]).input.focus();
      } finally {
        button.disabled = false;
      }
    }
    return h("form", { onsubmit: submit }, ...fields.map((each) => each.place), button);
  }
  function show({ place, input }) {
    place.hidden = false;
    input.disabled = false;
  }
  if (kind === "number") [name.place.hidden, name.input.disabled] = [true, true];
  const called = () => (name.input.disabled ? {} : { name: name.value() });
  const main = {
    open: () => form([name], called, "door.play", "door.wrong_number"),
    name: () => form([name], () => ({ token: link, ...called() }), "door.play", "door.wrong_link"),
    number: () =>
      form(
        [number, name],
        () => ({ seat: { game: game.game, number: number.value() }, ...called() }),
        "door.play",
        "door.wrong_number",
      ),
    link: () => h("p", {}, t("door.by_link")),
  }[kind]();
  const device = h(
    "details",
    { open: kind === "link" },
    h("summary", {}, t("door.device")),
    h("p.soft", {}, t("door.device_how")),
    form([code], () => ({ code: code.value() }), "door.use_code", "door.wrong_code"),
  );
  const first = { open: name, name, number, link: code }[kind];
  return { forms: [kind === "number" ? hint : null, main, problem, device], focus: () => first.input.focus() };
}
