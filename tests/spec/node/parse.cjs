// Prints, as JSON, what the official parser makes of an AsyncAPI document: what it finds wrong, and what is in it.
"use strict";

const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

async function main() {
  const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
  const found = {
    diagnostics: diagnostics.map(({ code, severity, path, message }) => ({ code, severity, path, message })),
    operations: {},
  };
  for (const operation of document?.allOperations().all() ?? []) {
    found.operations[operation.id()] = {
      action: operation.action(),
      messages: operation.messages().all().map((message) => message.id()),
      replies: operation.reply()?.messages().all().map((message) => message.id()) ?? [],
    };
  }
  console.log(JSON.stringify(found));
}

main();
