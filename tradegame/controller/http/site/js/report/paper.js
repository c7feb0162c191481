// A report as a page of its own, without a server: controller/http/report_pages.py puts it together.

import "../common/theme.js";
import { h, userText } from "../common/dom.js";
import { loaded, t } from "../common/words.js";
import { report } from "./report.js";

const found = JSON.parse(document.getElementById("report").textContent);
const title = found.title || found.game;

loaded.then(() => {
  document.title = `${t("report.title")} · ${found.name} · ${title}`;
  document.body.append(h("header.bar", {}, userText(title, "h1.clip.title")), report(found));
});
