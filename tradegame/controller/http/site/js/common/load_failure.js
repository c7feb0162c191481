// Reloads the page if a part of it could not be loaded: nothing else would run, and nobody reloads a projector.
// Not a module, so that it runs first.

(() => {
  const LEAST_MS = 2_000;
  let begun = false;

  /** At a random time, to spread a class; only once the server answers: before that, it would leave an error page. */
  const again = () =>
    setTimeout(
      async () => {
        const response = await fetch(location.href, { cache: "no-store" }).catch(() => null);
        if (response?.ok) location.reload();
        else again();
      },
      LEAST_MS * (1 + Math.random()),
    );

  function failed() {
    if (begun) return;
    begun = true;
    void globalThis.tradegame?.words.then((words) => {
      const told = document.querySelector("#app p");
      if (told) told.textContent = words["page.not_loaded"];
    });
    again();
  }

  addEventListener("loadfailure", failed); // of the words
  addEventListener(
    "error",
    ({ target }) => (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) && failed(),
    true,
  );
})();
