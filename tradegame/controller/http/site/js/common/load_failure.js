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

  addEventListener(
    "error",
    ({ target }) => {
      if (begun || !(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return;
      begun = true;
      const told = document.querySelector("#app p");
      if (told) told.textContent = "Not all of the page could be loaded. Trying again …";
      again();
    },
    true,
  );
})();
