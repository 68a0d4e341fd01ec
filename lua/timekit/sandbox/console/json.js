// Pretty JSON with colours.
import { h } from "./dom.js";

// Beyond this, colours would cost more than they tell.
const COLOURED = 50_000;
const SHOWN = 300_000;

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function coloured(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    nodes.push(text.slice(at, match.index));
    const kind = match[2] ? "k" : match[1] ? "s" : match[3] ? "w" : "n";
    nodes.push(h("span", { class: "j" + kind }, match[1] ?? match[0]), match[2] ?? "");
    at = match.index + match[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}

// Numbers stay as they are written, where the browser knows how: JavaScript would round the digits of a long one.
const asWritten = (name, value, context) =>
  (typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);

/** The text with line breaks, if it is JSON; else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text, asWritten), null, 2);
  } catch {
    return text;
  }
}

/** A block that shows a body. It can be scrolled by keyboard. */
export function block(text, { label, testid } = {}) {
  const all = pretty(text ?? "");
  const shown = all.length > SHOWN ? all.slice(0, SHOWN) + `\n… ${all.length - SHOWN} more characters` : all;
  return h("pre", { tabindex: "0", "aria-label": label, role: "region", testid },
    shown.length > COLOURED || shown === text ? shown : coloured(shown));
}
