// The page: which view stands in it, and what all views share.
import { key } from "./api.js";
import { start as startClock } from "./clock.js";
import { byId, clearError, h, showError } from "./dom.js";
import { refresh } from "./live.js";

// What makes the lists and the views; each is loaded when it is first shown.
const bookingsList = () => import("./bookings.js").then((module) => module.bookingsList);
const bookingView = () => import("./booking.js").then((module) => module.bookingView);
const createView = () => import("./create.js").then((module) => module.createView);
const requestsList = () => import("./requests.js").then((module) => module.requestsList);
const requestView = () => import("./requests.js").then((module) => module.requestView);
const faultsView = () => import("./faults.js").then((module) => module.faultsView);
const webhooksView = () => import("./webhooks.js").then((module) => module.webhooksView);

// Name → which entry of the navigation it belongs to, its list and what stands beside that; `needs`: of what, after `=`.
const VIEWS = {
  bookings: { of: "bookings", title: "Bookings", list: bookingsList },
  booking: { of: "bookings", title: "Booking", list: bookingsList, detail: bookingView, needs: true },
  create: { of: "bookings", title: "New booking", list: bookingsList, detail: createView },
  requests: { of: "requests", title: "Requests", list: requestsList },
  request: { of: "requests", title: "Request", list: requestsList, detail: requestView, needs: true },
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

// Which view an address is of, and of what. Any text can stand in an address.
function viewOf(hash) {
  const [, name, text] = hash.match(/^#(\w+)(?:=(.*))?$/) ?? [];
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : VIEWS.bookings;
  if (view.needs && !text) return { view: VIEWS[view.of] };
  try {
    return { view, argument: text && decodeURIComponent(text) };
  } catch {
    return { view, argument: text };
  }
}

let turn = 0;

async function route() {
  const mine = ++turn;
  const { view, argument } = viewOf(location.hash);
  clearError();
  let list, detail;
  try {
    [list, detail] = await Promise.all([view.list?.(), view.detail?.()]);
  } catch {
    showError(new Error("A part of the page could not be loaded. Is the sandbox still running?"));
  }
  if (mine !== turn) return;
  main.className = (view.list ? "with-list " : "") + (view.detail ? "with-detail" : "");
  put("list", list);
  put("detail", detail, argument, true);
  if (list && detail) parts.detail.element.prepend(back(view));
  for (const link of byId("views").children) {
    if (link.dataset.view === view.of) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title}${argument ? " " + argument.slice(0, 8) : ""} · Timekit sandbox`;
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
