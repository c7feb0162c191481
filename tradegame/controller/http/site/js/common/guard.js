// When a part of the page cannot be loaded nothing else runs that could tell, and nobody reloads a projector. No module: it is there first.

(() => {
  const LEAST_MS = 2_000;
  let begun = false;

  /** Not all of a class at once; and only while the server answers, since a page that is loaded while it does not is lost. */
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
