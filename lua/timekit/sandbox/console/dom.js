// Elements, and the two places where the page speaks up.

/**
 * Makes an element. `props`: attributes; `testid` is data-testid; functions are listeners (`onclick`); null, undefined
 * and false are left out. Children: nodes, texts, lists of these; null and false are left out.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "testid") element.dataset.testid = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Replaces the children of an element. The focus stays on what has the same data-testid. */
export function replace(element, ...children) {
  const focused = element.contains(document.activeElement) && document.activeElement.dataset.testid;
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused) element.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus();
}

let shown = null;

/** Shows an error until it is closed, another view is opened, or `clearError` is called with the same kind. */
export function showError(error, kind = "error") {
  shown = kind;
  byId("error-text").textContent = error.message ?? String(error);
  byId("error").hidden = false;
}

export function clearError(kind) {
  if (kind && kind !== shown) return;
  byId("error").hidden = true;
}

/** Tells a screen reader what has happened. */
export function say(text) {
  byId("said").textContent = text;
}

/** A listener that shows what goes wrong in it, in place of what went wrong before, and does not run twice at once. */
export function guarded(work) {
  let running = false;
  return async (event) => {
    event?.preventDefault?.();
    if (running) return;
    running = true;
    clearError("error");
    try {
      await work(event);
    } catch (error) {
      showError(error);
    } finally {
      running = false;
    }
  };
}

/** `2026-12-01 10:00:00` of a timestamp such as `2026-12-01T12:00:00+0200`, in UTC; `short` leaves the seconds out. */
export function clockTime(text, short) {
  const date = new Date((text ?? "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(date.getTime()) ? text ?? "" : date.toISOString().slice(0, short ? 16 : 19).replace("T", " ");
}
