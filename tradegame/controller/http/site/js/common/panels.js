// Panels, tabs and dialogs.

import { h } from "./dom.js";
import { fromRight, t } from "./words.js";

/** A titled region. `scroll`: its content may overflow, and can be scrolled by keyboard. */
export function panel(
  label,
  { className = "", on = null, end = [], flush = false, head = null, scroll = false } = {},
  ...children
) {
  const body = h("div.body", {}, ...children);
  if (flush) body.classList.add("flush");
  if (scroll)
    for (const [name, value] of Object.entries({
      tabindex: 0,
      role: "group",
      "aria-label": t("panels.all", { label }),
    }))
      body.setAttribute(name, value);
  const section = h(
    "section.panel",
    { "aria-label": label, "data-on": on },
    h("header", {}, head ?? h("h2", {}, label), end.length ? h("div.end", {}, ...end) : null),
    body,
  );
  if (className) section.classList.add(...className.split(" "));
  return { section, body };
}

/** Tabs of these labels, the first one chosen; the arrow keys move between them. Calls `onchoose` with an index. */
function tabList(labels, onchoose) {
  const tabs = labels.map((label, index) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        "aria-selected": String(index === 0),
        tabindex: index ? -1 : 0,
        onclick: () => choose(index),
      },
      label,
    ),
  );
  function choose(chosen) {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
    });
    onchoose(chosen);
  }
  const ahead = fromRight ? -1 : 1;
  function walk(event) {
    const step = { ArrowRight: ahead, ArrowLeft: -ahead }[event.key];
    if (step === undefined) return;
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
    event.preventDefault();
  }
  return { list: h("div.tabs", { role: "tablist", onkeydown: walk }, ...tabs), choose };
}

/** Tabs for `[label, children]` parts. Calls `onchoose` with the chosen index. */
export function tabbed(parts, onchoose = () => {}) {
  const panels = parts.map(([label, children], index) =>
    h("div", { role: "tabpanel", "aria-label": label, hidden: index > 0 }, ...children),
  );
  const { list } = tabList(
    parts.map(([label]) => label),
    (chosen) => {
      panels.forEach((panel, index) => (panel.hidden = index !== chosen));
      onchoose(chosen);
    },
  );
  return { list, panels };
}

/** Panels behind tabs, of which `.behind` marks those not chosen. Where the page has no room for tabs it shows all. */
export function deck(sections) {
  const show = (chosen) => sections.forEach((section, index) => section.classList.toggle("behind", index !== chosen));
  const { list, choose } = tabList(
    sections.map((section) => section.getAttribute("aria-label")),
    show,
  );
  show(0);
  return {
    element: h("div.panel.deck", {}, list, ...sections),
    choose: (section) => choose(sections.indexOf(section)),
  };
}

/** Shows a modal dialog. Resolves with its return value. */
export function openDialog(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    }),
  );
}
