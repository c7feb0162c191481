// Another device of the same player: a code to type there.

import { h, setText, userText } from "../common/dom.js";
import { explain } from "../common/explain.js";
import { span } from "../common/format.js";
import { invitation } from "../common/invitation.js";
import { openDialog } from "../common/panels.js";
import { pieces, t } from "../common/words.js";

/** Shows a code, which is good once, and for how long. */
export async function anotherDevice(client, game) {
  const code = h("p.device-code", { dir: "ltr" }, "…");
  const left = h("p.soft", { role: "status" }, "");
  const again = h("button", { type: "button", onclick: () => ask() }, t("device.again"));
  const dialog = h(
    "dialog",
    { "aria-label": t("device.title") },
    h("h2", {}, ...pieces("device.question", { name: userText(client.player.name) })),
    h("p", {}, t("device.how")),
    invitation(game.id).address(),
    code,
    left,
    h("form.row", { method: "dialog" }, again, h("button.primary", { value: "close" }, t("device.close"))),
  );
  let endsAt = 0;
  function tick() {
    const ms = endsAt - performance.now();
    if (endsAt === 0) return;
    setText(left, ms > 0 ? t("device.left", { time: span(ms) }) : t("device.over"));
    code.classList.toggle("over", ms <= 0);
  }
  async function ask() {
    endsAt = 0;
    again.disabled = true;
    try {
      const made = await client.request("device_code", {}, { deadlineMs: 10_000 });
      setText(code, made.code.replace(/^(.{4})/, "$1-"));
      endsAt = performance.now() + made.expires_s * 1_000;
      tick();
    } catch (error) {
      setText(code, "…");
      setText(left, explain(error));
    } finally {
      again.disabled = false;
    }
  }
  const off = game.on("device", () => {
    endsAt = 0;
    setText(code, "✓");
    setText(left, t("device.used", { name: client.player.name }));
  });
  void ask();
  const ticking = setInterval(tick, 1_000);
  await openDialog(dialog);
  clearInterval(ticking);
  off();
}
