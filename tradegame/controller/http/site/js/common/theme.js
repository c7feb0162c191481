// Light, dark, or as the system has it. Set before anything is drawn; charts ask for the colours.

const KEY = "tradegame.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

export function theme() {
  const chosen = stored();
  return chosen === "system" ? (system.matches ? "dark" : "light") : chosen;
}

function apply() {
  document.documentElement.dataset.theme = theme();
  dispatchEvent(new CustomEvent("themechange"));
}

export function toggleTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, next === (system.matches ? "dark" : "light") ? "system" : next);
  } catch {
    // no storage: it lasts as long as the page
  }
  document.documentElement.dataset.theme = next;
  dispatchEvent(new CustomEvent("themechange"));
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

system.addEventListener("change", apply);
apply();
