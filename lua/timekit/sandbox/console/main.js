// The page: which view stands in it, and what all views share.
import { key } from "./api.js";
import { bookingView } from "./booking.js";
import { bookingsList } from "./bookings.js";
import { start as startClock } from "./clock.js";
import { createView } from "./create.js";
import { byId, clearError, h } from "./dom.js";
import { faultsView } from "./faults.js";
import { refresh } from "./live.js";
import { requestsList, requestView } from "./requests.js";
import { webhooksView } from "./webhooks.js";

// Name → which entry of the navigation it belongs to, its list and what stands beside that.
const VIEWS = {
  bookings: { of: "bookings", title: "Bookings", list: bookingsList },
  booking: { of: "bookings", title: "Booking", list: bookingsList, detail: bookingView },
  create: { of: "bookings", title: "New booking", list: bookingsList, detail: createView },
  requests: { of: "requests", title: "Requests", list: requestsList },
  request: { of: "requests", title: "Request", list: requestsList, detail: requestView },
  faults: { of: "faults", title: "Faults", detail: faultsView },
  webhooks: { of: "webhooks", title: "Webhooks", detail: webhooksView },
};

const main = byId("main");
const parts = { list: null, detail: null }; // each `{ make, element, stop }`

function put(name, make, argument, isAnew) {
  const part = parts[name];
  if (part && part.make === make && !isAnew) return;
  part?.stop?.();
  part?.element.remove();
  parts[name] = null;
  if (!make) return;
  const element = h("div", { class: name });
  main[name === "list" ? "prepend" : "append"](element);
  parts[name] = { make, element, stop: make(element, argument) };
}

function back(view) {
  return h("a", { class: "back", href: "#" + view.of }, "← " + VIEWS[view.of].title);
}

function markCurrent() {
  for (const row of main.querySelectorAll(".list a.row")) {
    if (row.getAttribute("href") === location.hash) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function route() {
  const [, name, argument] = location.hash.match(/^#(\w+)(?:=(.*))?$/) ?? [];
  const view = VIEWS[name] ?? VIEWS.bookings;
  clearError();
  main.className = (view.list ? "with-list " : "") + (view.detail ? "with-detail" : "");
  put("list", view.list);
  put("detail", view.detail, argument && decodeURIComponent(argument), true);
  if (view.list && view.detail) parts.detail.element.prepend(back(view));
  for (const link of byId("views").children) {
    if (link.dataset.view === view.of) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title}${argument ? " " + decodeURIComponent(argument).slice(0, 8) : ""} · Timekit sandbox`;
  markCurrent();
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
byId("error-close").addEventListener("click", () => clearError());
byId("credentials").addEventListener("submit", (event) => event.preventDefault());
byId("key").value = key.get();
byId("key").addEventListener("input", (event) => key.set(event.target.value));
addEventListener("hashchange", route);
new MutationObserver(markCurrent).observe(main, { childList: true, subtree: true });
startClock();
route();
refresh();
