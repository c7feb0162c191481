// The catalogues of words: whole in every language, all of them used, and every word that the code uses in them.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const SITE = new URL("../../../tradegame/controller/http/site/", import.meta.url);
const read = (path) => readFileSync(new URL(path, SITE), "utf8");
const files = (path) => readdirSync(new URL(path, SITE));

const LANGUAGES = files("languages/").map((name) => name.replace(".json", ""));
const catalogue = (language) => JSON.parse(read(`languages/${language}.json`));
const ENGLISH = catalogue("en");

const formsOf = (text) => (typeof text === "string" ? [text] : Object.values(text));
const parametersOf = (text) =>
  [...new Set(formsOf(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)))].sort();

/** All that the pages' own code says, less its comments. */
const CODE = ["common", "host", "play", "report", "watch"].flatMap((part) =>
  files(`js/${part}/`).map((name) => read(`js/${part}/${name}`).replaceAll(/^\s*(\/\/|\/?\*).*$/gm, "")),
);
const HTML = files("").filter((name) => name.endsWith(".html"));

/** The keys in the code: literals `"area.word"` of a known area, and `area.${…}`, which stands for all of it. */
function used() {
  const areas = new Set(Object.keys(ENGLISH).map((key) => key.split(".")[0]));
  const literals = CODE.flatMap((code) => [...code.matchAll(/"(([a-z_]+)\.[a-z_0-9]+)"/g)])
    .filter(([, , area]) => areas.has(area))
    .map(([, key]) => key);
  const html = HTML.flatMap((name) => [...read(name).matchAll(/data-words="([^"]+)"/g)].map(([, key]) => key));
  const whole = CODE.flatMap((code) => [...code.matchAll(/`([a-z_]+)\.\$\{/g)].map(([, area]) => area));
  return { keys: new Set([...literals, ...html]), areas: new Set(whole) };
}

test("every key that the code uses is there, and none is there that it does not use", () => {
  const { keys, areas } = used();
  assert.deepEqual(
    [...keys].filter((key) => !Object.hasOwn(ENGLISH, key)),
    [],
  );
  assert.deepEqual(
    Object.keys(ENGLISH).filter((key) => !keys.has(key) && !areas.has(key.split(".")[0])),
    [],
  );
});

test("the languages to choose from are those that have a catalogue", () => {
  const listed = /LANGUAGES = \{([^}]*)\}/.exec(read("js/common/language.js"))[1];
  assert.deepEqual(
    [...listed.matchAll(/"?([\w-]+)"?: "/g)].map(([, language]) => language),
    LANGUAGES,
  );
});

for (const language of LANGUAGES) {
  test(`${language} has the keys of English in their order, with their parameters and its own plural forms`, () => {
    const words = catalogue(language);
    assert.deepEqual(Object.keys(words), Object.keys(ENGLISH));
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, text] of Object.entries(words)) {
      assert.equal(typeof text, typeof ENGLISH[key], key);
      if (typeof text === "object") {
        assert.deepEqual(Object.keys(text).sort(), forms, key);
        assert.ok(parametersOf(ENGLISH[key]).includes("count"), key);
      }
      assert.deepEqual(parametersOf(text), parametersOf(ENGLISH[key]), key);
      for (const form of formsOf(text)) assert.match(form, /^\S(.*\S)?$/, key);
    }
  });
}

test("no word stands in the HTML but what is read without JavaScript", () => {
  for (const name of HTML) {
    const bare = read(name)
      .replaceAll(/<noscript>.*?<\/noscript>|<title>tradegame<\/title>|<!doctype html>/gs, "")
      .replaceAll(/<[^>]*>/g, "");
    assert.equal(bare.trim(), "", name);
  }
});
