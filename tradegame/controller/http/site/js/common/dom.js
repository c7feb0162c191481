// Making and updating elements. Text is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h("button.primary", {type: "submit", onclick}, "Buy", child). `on…` are listeners, other names attributes. */
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

/** Text that somebody wrote: in its own direction, and wrapped anywhere. */
export function userText(text, tag = "span.text") {
  return h(tag, { dir: "auto" }, text);
}

/** Changes an element's text only if it differs, to spare a layout. */
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

/** Gives `parent` one child for each item. Existing children are updated, not made again. */
export function rows(parent, items, make, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, index) => {
    if (parent.children.length <= index) parent.append(make());
    update(parent.children[index], item, index);
  });
}

/** Like `rows`, but an item keeps its row, by `key(item)`, so that a button does not change under the pointer. */
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
  // move the focus to the next row rather than to the top of the page
  const next = parent.children[Math.min(lost, parent.children.length - 1)];
  ([...(next?.querySelectorAll("button") ?? [])].at(-1) ?? parent.closest("[tabindex]"))?.focus();
}
