// The graphs and their pictures.
import { control } from "./api.js";
import { h } from "./dom.js";

let known = null;

/** The graphs that the sandbox knows, by name. They do not change while it runs. */
export async function graphs() {
  known ??= control("GET", "graphs");
  try {
    return new Map((await known).map((graph) => [graph.name, graph]));
  } catch (error) {
    known = null;
    throw error;
  }
}

const STYLE = /<style>([^]*?)<\/style>/;
let styled = false;

// The page's policy allows no style sheet within a document, but one that a script makes. Returns the text without it.
function adopt(text) {
  if (!styled) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text.match(STYLE)[1]);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    styled = true;
  }
  return text.replace(STYLE, "");
}

/** The picture of a booking's graph. `choose(action)` is called for a click on an action that is possible. */
export async function picture(booking, choose) {
  const query = new URLSearchParams({ format: "svg", state: booking.state, past: booking.past.join(" ") });
  const text = await control("GET", `graphs/${encodeURIComponent(booking.graph)}/picture?${query}`, undefined,
    { text: true });
  const svg = new DOMParser().parseFromString(adopt(text), "image/svg+xml").documentElement;
  svg.dataset.testid = "graph";
  for (const arrow of svg.querySelectorAll("[data-action].tk-possible")) {
    arrow.addEventListener("click", () => choose(arrow.dataset.action));
  }
  return h("figure", { class: "picture", tabindex: "0", "aria-label": "Picture of the graph", role: "region" },
    document.adoptNode(svg));
}
