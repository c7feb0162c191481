// Elements without markup: whatever players wrote only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";

/** h("button.primary", {type: "submit", onclick}, "Buy", child): `on…` are listeners, other names attributes. */
export function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElement(name), classes, attributes, children);
}

export function svg(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElementNS(SVG, name), classes, attributes, children);
}

function fill(element, classes, attributes, children) {
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Text from outside, in its own direction, never wider than its place. */
export function said(text, tag = "span.text") {
  return h(tag, { dir: "auto" }, text);
}

/** Sets only what differs: the browser then has nothing to lay out anew. */
export function setText(element, text) {
  if (element.firstChild?.nodeType === 3 && element.childNodes.length === 1) {
    if (element.firstChild.data !== text) element.firstChild.data = text;
  } else if (element.textContent !== text || element.childNodes.length !== 1) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** As many children as there are items, made once and then only brought up to date. */
export function rows(parent, items, make, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, index) => {
    if (parent.children.length <= index) parent.append(make());
    update(parent.children[index], item, index);
  });
}

/** As `rows`, but an item keeps its row, by `key(item)`: what one is about to press stays what it was. */
export function keyed(parent, items, key, make, update) {
  const known = new Map([...parent.children].map((row) => [row.key, row]));
  const wanted = new Set(items.map(key));
  let lost = null;
  for (const [old, row] of known) {
    if (wanted.has(old)) continue;
    if (row.contains(document.activeElement)) lost = [...parent.children].indexOf(row);
    row.remove();
  }
  items.forEach((item, index) => {
    const mine = key(item);
    let row = known.get(mine);
    if (row === undefined) {
      row = make();
      row.key = mine;
    }
    if (parent.children[index] !== row) parent.insertBefore(row, parent.children[index] ?? null);
    update(row, item, index);
  });
  if (lost === null) return;
  // the focus goes to the next one, not to the top of the page
  const next = parent.children[Math.min(lost, parent.children.length - 1)];
  ([...(next?.querySelectorAll("button") ?? [])].at(-1) ?? parent.closest("[tabindex]"))?.focus();
}

/** A titled region. `scroll`: what is in it may be longer, and can be reached by keyboard. */
export function panel(
  label,
  { className = "", on = null, end = [], flush = false, head = null, scroll = false } = {},
  ...children
) {
  const id = `h-${label.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  const body = h("div.body", {}, ...children);
  if (flush) body.classList.add("flush");
  if (scroll)
    for (const [name, value] of Object.entries({ tabindex: 0, role: "group", "aria-label": `${label}, all of it` }))
      body.setAttribute(name, value);
  const section = h(
    "section.panel",
    { "aria-label": label, "data-on": on },
    h("header", {}, head ?? h("h2", { id }, label), end.length ? h("div.end", {}, ...end) : null),
    body,
  );
  if (className) section.classList.add(...className.split(" "));
  return { section, body };
}

/** `[label, children]`s of which one is shown, by a list of tabs that the arrows walk; `onchoose` is told the label. */
export function tabbed(parts, onchoose = () => {}) {
  const panels = parts.map(([label, children], index) =>
    h("div", { role: "tabpanel", "aria-label": label, hidden: index > 0 }, ...children),
  );
  const tabs = parts.map(([label], index) =>
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
    parts.forEach((_, index) => {
      panels[index].hidden = index !== chosen;
      tabs[index].setAttribute("aria-selected", String(index === chosen));
      tabs[index].tabIndex = index === chosen ? 0 : -1;
    });
    onchoose(parts[chosen][0]);
  }
  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
    event.preventDefault();
  }
  return { list: h("div.tabs", { role: "tablist", onkeydown: walk }, ...tabs), panels };
}

/** What changed is drawn once a frame, however often it changes; nothing is drawn while nobody looks. */
export class Painter {
  #dirty = new Set();
  #asked = false;
  #halted = false;

  /** Nothing is drawn any more: the page is about to go. */
  halt() {
    this.#halted = true;
  }

  /** `paint` is called in the next frame. */
  mark(paint) {
    this.#dirty.add(paint);
    if (!this.#asked && !this.#halted) {
      this.#asked = true;
      requestAnimationFrame(() => {
        this.#asked = false;
        const dirty = [...this.#dirty];
        this.#dirty.clear();
        for (const each of this.#halted ? [] : dirty) {
          try {
            each();
          } catch (error) {
            console.error(error); // and the rest of the page is drawn all the same
          }
        }
      });
    }
  }
}

/** Moves the focus into a modal dialog and back; resolves with its return value. */
export function ask(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    }),
  );
}
