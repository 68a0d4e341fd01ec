// Follows the sandbox: asks for its status every second, while the page is seen, and tells who wants to know.
import { control } from "./api.js";
import { clearError, showError } from "./dom.js";

const PERIOD = 1000;

const watchers = new Set();
let status = null;
let timer = null;

/** Calls `tell(status, before)` now, if the status is known, and whenever it was asked. Returns a function that ends it. */
export function watch(tell) {
  watchers.add(tell);
  if (status) tell(status, null);
  return () => watchers.delete(tell);
}

/** Asks at once. */
export async function refresh() {
  clearTimeout(timer);
  try {
    const before = status;
    status = await control("GET", "status");
    clearError("live");
    for (const tell of [...watchers]) tell(status, before);
  } catch (error) {
    showError(error, "live");
  } finally {
    clearTimeout(timer);
    timer = setTimeout(() => (document.hidden ? undefined : refresh()), PERIOD);
  }
}

/** Has anything happened to bookings between two statuses? */
export const haveMoved = (now, before) =>
  !before || now.requests !== before.requests || now.moves !== before.moves || now.bookings !== before.bookings;

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
