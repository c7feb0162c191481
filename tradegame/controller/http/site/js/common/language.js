// Chooses the language before anything is drawn, and loads its words. Not a module, so that it runs first.
// A language: languages/CODE.json, and a line here. docs/languages.md tells the rest.

(() => {
  const LANGUAGES = { de: "Deutsch", en: "English" };
  const FROM_RIGHT = new Set(["ar", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);
  const KEY = "tradegame.language";

  const known = (tag) => Object.hasOwn(LANGUAGES, tag);
  const ofBrowser = () => navigator.languages.flatMap((tag) => [tag, tag.split("-")[0]]).find(known) ?? "en";

  function chosen() {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept !== null && known(kept)) return kept;
    } catch {
      // no storage
    }
    return ofBrowser();
  }

  /** The browser's own language is not stored as a choice, so that the page keeps following it. */
  function choose(language) {
    try {
      if (language === ofBrowser()) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, language);
    } catch {
      // no storage: it stays as it is
    }
    location.reload();
  }

  /** The words by their keys. Never settles if they cannot be loaded: then load_failure.js reloads the page. */
  async function load(language) {
    try {
      const response = await fetch(new URL(`../../languages/${language}.json`, document.currentScript.src));
      if (response.ok) return await response.json();
    } catch {
      // as if the answer were bad
    }
    dispatchEvent(new Event("loadfailure"));
    return new Promise(() => {});
  }

  /** Fills in the texts of the HTML: `data-words` is a key. */
  function fill(words) {
    for (const element of document.querySelectorAll("[data-words]")) element.textContent = words[element.dataset.words];
  }

  const root = document.documentElement;
  root.lang = chosen();
  root.dir = FROM_RIGHT.has(root.lang.split("-")[0]) ? "rtl" : "ltr";
  const words = load(root.lang);
  globalThis.tradegame = { languages: LANGUAGES, choose, words };
  const parsed = new Promise((resolve) => addEventListener("DOMContentLoaded", resolve));
  Promise.all([words, parsed]).then(([found]) => fill(found));
})();
