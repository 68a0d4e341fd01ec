// Parses diagrams with Mermaid's own parser: node mermaid_labels.mjs FOLDER FILE…
// FOLDER has node_modules with mermaid and jsdom. Prints a line of JSON for each file: the labels of its states and
// arrows, sorted, or the error.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), "x.js"));
const { JSDOM } = require("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const path = join(resolve(folder), "node_modules/mermaid/dist/mermaid.core.mjs");
const mermaid = (await import(pathToFileURL(path))).default;

// What Mermaid makes of its entities until it draws them.
const decoded = (label) => label.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(code));

for (const file of files) {
  try {
    const text = readFileSync(file, "utf8");
    await mermaid.parse(text);
    const data = (await mermaid.mermaidAPI.getDiagramFromText(text)).db.getData();
    const labels = (list) => list.map((item) => decoded(item.label ?? "")).filter((label) => label !== "").sort();
    const states = labels(data.nodes.filter((node) => !node.id.startsWith("root_")));
    console.log(JSON.stringify({ states, arrows: labels(data.edges) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.message) }));
  }
}
