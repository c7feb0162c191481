// Light or dark: as chosen, else as the system has it.

import { recall, remember } from "./storage.js";

const KEY = "tradegame.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const systemTheme = () => (system.matches ? "dark" : "light");

function show(theme) {
  document.documentElement.dataset.theme = theme;
  // what a phone draws around the page: the bar's colour
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", colour("panel"));
  dispatchEvent(new CustomEvent("themechange"));
}

const apply = () => show(recall("localStorage", KEY) ?? systemTheme());

/** The system's theme is not stored as a choice, so that the page keeps following it. */
export function toggleTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  remember("localStorage", KEY, next === systemTheme() ? null : next);
  show(next);
}

/** A colour of the theme, for charts. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

system.addEventListener("change", apply);
apply();
