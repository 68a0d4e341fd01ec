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

let styled = false;

// The page's policy allows no style sheet in a document, but one that a script makes.
function adopt(style) {
  if (!styled) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style.textContent);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    styled = true;
  }
  style.remove();
}

/** The picture of a booking's graph. `choose(action)` is called for a click on an action that is possible. */
export async function picture(booking, choose) {
  const query = new URLSearchParams({ format: "svg", state: booking.state, past: booking.past.join(" ") });
  const text = await control("GET", `graphs/${encodeURIComponent(booking.graph)}/picture?${query}`, undefined,
    { text: true });
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  adopt(svg.querySelector("style"));
  svg.dataset.testid = "graph";
  for (const arrow of svg.querySelectorAll("[data-action].tk-possible")) {
    arrow.addEventListener("click", () => choose(arrow.dataset.action));
  }
  return h("figure", { class: "picture", tabindex: "0", "aria-label": "Picture of the graph", role: "region" },
    document.adoptNode(svg));
}
