// Before the trade: the instructions on three screens, the quiz if the game has one, and "I am ready".

import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { openDialog } from "../common/panels.js";
import { recall, remember } from "../common/storage.js";
import { toast } from "../common/toast.js";
import { t } from "../common/words.js";
import { PICTURES } from "./pictures.js";

/** The life of the game whose instructions were put away last; `*`: they are shown to who asks for them only. */
const SEEN = "tradegame.instructions";

/** What the dialog returns after the server was told. */
const READY = "ready";

let open = () => {};

/** Shows the instructions of the game that is being played. */
export const showGuide = () => open();

export const guideButton = () => h("button", { type: "button", onclick: showGuide }, t("guide.title"));

/**
 * Shows the instructions to whoever has not put them away or said that they are ready; and what the host says. Who puts
 * them away is ready, unless there is a quiz.
 */
export function guide(game) {
  open = async () => {
    const said = await openDialog(dialogOf(game));
    try {
      if (said !== READY && !game.me?.ready && !game.state.rules.quiz) await game.ready({});
    } catch {
      return; // the host does not know of it: they are shown again
    }
    if (recall("localStorage", SEEN) !== "*") remember("localStorage", SEEN, game.epoch);
  };
  if (!game.me?.ready && !["*", game.epoch].includes(recall("localStorage", SEEN))) void open();
  game.on("whisper", ({ player, text }) => player === "host" && toast(`${t("names.host")}: ${text}`));
}

/** Which of the instructions suit a game, and the good that they are about. */
function kindOf({ goods }) {
  const entries = Object.entries(goods);
  const [auctioned] = entries.find(([, of]) => of.private_values) ?? [];
  if (auctioned) return { kind: "auction", good: auctioned, values: [] };
  const [settled, of] = entries.find(([, each]) => each.settlement) ?? [];
  return settled
    ? { kind: "forecast", good: settled, values: of.settlement }
    : { kind: "market", good: entries[0][0], values: [] };
}

function dialogOf(game) {
  const { rules } = game.state;
  const { kind, good, values } = kindOf(rules);
  const pictures = PICTURES[kind];
  const steps = pictures.length + (rules.quiz ? 1 : 0);
  const step = h("span.soft", {}, "");
  const picture = h("div.picture");
  const head = h("h2");
  const text = h("p");
  const problem = h("p.error", { role: "alert" });
  const skip = h("button.quiet", { type: "button", onclick: () => dialog.close() }, t("guide.skip"));
  const back = h("button", { type: "button", onclick: () => show(at - 1) }, t("guide.back"));
  const next = h(
    "button.primary.big",
    { type: "button", autofocus: true, onclick: () => show(at + 1) },
    t("guide.next"),
  );
  const done = h("button.primary.big", { type: "submit" }, t("guide.ready"));
  const quiz = questions(rules.quiz ?? [], rules.quiz_first === true);
  const dialog = h(
    "dialog.guide",
    { "aria-label": t("guide.title") },
    h("div.steps", {}, step, skip),
    h("div", { "aria-live": "polite" }, picture, head, text),
    h("form", { onsubmit: ready }, quiz.place, problem, h("div.row", {}, back, next, done)),
  );
  let at = 0;
  function show(wanted) {
    at = wanted;
    const asked = at === pictures.length;
    setText(step, t("guide.step", { step: at + 1, steps }));
    picture.replaceChildren(...(asked ? [] : [pictures[at](values)]));
    picture.hidden = asked;
    setText(head, asked ? t("guide.quiz") : t(`guide.${kind}_${at + 1}_head`, { good }));
    setText(
      text,
      asked ? t(rules.quiz_first ? "guide.quiz_first" : "guide.quiz_about") : t(`guide.${kind}_${at + 1}`, { good }),
    );
    quiz.place.hidden = quiz.place.disabled = !asked;
    back.hidden = at === 0;
    next.hidden = at === steps - 1;
    done.hidden = !next.hidden;
    (next.hidden ? done : next).focus();
  }
  async function ready(event) {
    event.preventDefault();
    if (at < steps - 1) return show(at + 1);
    setText(problem, "");
    done.disabled = true;
    try {
      const { right } = await game.ready(quiz.answers());
      if (right.every(Boolean)) {
        toast(t("guide.is_ready"));
        dialog.close(READY);
      } else quiz.tell(right);
    } catch (error) {
      setText(problem, explain(error));
    } finally {
      done.disabled = false;
    }
  }
  show(0);
  return dialog;
}

/** The quiz: `answers()` are the options of `ready`, `tell` marks what was right. */
function questions(quiz, first) {
  const score = h("p.score", { role: "status" }, "");
  const asked = quiz.map(({ text, choices }, number) => {
    const verdict = h("span.verdict", {}, "");
    const name = `question-${number}`;
    const options = choices.map((choice, place) =>
      h("label", {}, h("input", { type: "radio", name, value: place, required: true }), userText(choice)),
    );
    return { place: h("fieldset.question", {}, h("legend", {}, userText(text), " ", verdict), ...options), verdict };
  });
  const place = h("fieldset.plain.quiz", {}, ...asked.map((each) => each.place), score);
  const chosen = ({ place: fields }) => Number(fields.querySelector(":checked").value);
  return {
    place,
    answers: () => (quiz.length ? { answers: asked.map(chosen) } : {}),
    tell(right) {
      asked.forEach(({ verdict }, number) => {
        setText(verdict, t(right[number] ? "guide.right" : "guide.wrong"));
        verdict.className = `verdict ${right[number] ? "good" : "bad"}`;
      });
      const count = right.filter(Boolean).length;
      const of = { right: count, questions: quiz.length };
      setText(score, t(first ? "guide.score_first" : "guide.score", of));
    },
  };
}
