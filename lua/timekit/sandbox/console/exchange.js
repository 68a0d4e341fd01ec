// A request and its response in full, and the request as code.
import { send } from "./api.js";
import { h, say, showError } from "./dom.js";
import { block } from "./json.js";
import { LANGUAGES, sample } from "./samples.js";

const LANGUAGE = "timekit-sandbox-language";

function headersOf(headers, what) {
  const names = Object.keys(headers).sort();
  if (names.length === 0) return null;
  return h("details", {},
    h("summary", {}, `${names.length} ${what} header${names.length === 1 ? "" : "s"}`),
    h("dl", { class: "headers" }, names.map((name) => [h("dt", {}, name), h("dd", {}, headers[name])])));
}

/** How a status is coloured. */
export function toneOf(status) {
  if (!status) return "bad";
  return status < 300 ? "good" : status < 500 ? "warn" : "bad";
}

const REASONS = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 400: "Bad Request", 401: "Unauthorized",
  403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
  422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
  503: "Service Unavailable", 504: "Gateway Timeout",
};

const milliseconds = (seconds) => `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;

function requestPart(request) {
  return h("section", { class: "part" },
    h("h2", { class: "minor" }, "Request"),
    h("p", { class: "line" }, h("strong", {}, request.method), " ", h("code", {}, request.target)),
    headersOf(request.headers ?? {}, "request"),
    request.body ? block(request.body, { label: "Body of the request", testid: "request-body" }) : null,
    request.is_cut ? h("p", { class: "note" }, "The body was too long to keep in full, so there is no code that repeats it.") : null);
}

function answerBody(answer) {
  if (answer.body) return block(answer.body, { label: "Body of the response", testid: "response-body" });
  return h("pre", { testid: "response-body", class: "nothing" }, "No body");
}

function responsePart({ answer, lost, seconds, fault }) {
  const status = answer?.status;
  return h("section", { class: "part" },
    h("h2", { class: "minor" }, "Response"),
    h("p", { class: "line" },
      h("span", { class: "chip " + toneOf(lost ? 0 : status), testid: "response-status" },
        status ? `${status} ${REASONS[status] ?? ""}`.trim() : "no answer"),
      seconds !== undefined ? h("span", { class: "note" }, milliseconds(seconds)) : null,
      fault ? h("span", { class: "chip warn" }, `fault: ${fault.what}, ${fault.when} the change`) : null),
    lost ? h("p", { class: "lost" }, lost) : null,
    answer ? headersOf(answer.headers ?? {}, "response") : null,
    answer ? answerBody(answer) : null);
}

function copyButton(text) {
  return h("button", { type: "button", class: "quiet", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text());
      say("Copied");
    } catch {
      showError(new Error("The browser does not let the page copy. Select the text instead."));
    }
  } }, "Copy");
}

function codePart(request) {
  const panels = {}, tabs = {};
  let current;
  function choose(language, focus) {
    current = language;
    sessionStorage.setItem(LANGUAGE, language);
    for (const [name] of LANGUAGES) {
      panels[name].hidden = name !== language;
      tabs[name].setAttribute("aria-selected", name === language);
      tabs[name].tabIndex = name === language ? 0 : -1;
    }
    if (focus) tabs[language].focus();
  }
  function onKey(event) {
    const names = LANGUAGES.map(([name]) => name);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(names[(names.indexOf(current) + step + names.length) % names.length], true);
  }
  for (const [name, title] of LANGUAGES) {
    tabs[name] = h("button", {
      type: "button", role: "tab", id: "tab-" + name, "aria-controls": "panel-" + name, testid: "sample-tab-" + name,
      onclick: () => choose(name),
    }, title);
    panels[name] = h("pre", {
      role: "tabpanel", id: "panel-" + name, "aria-labelledby": "tab-" + name, tabindex: "0", testid: "sample-" + name,
    }, sample(name, request, location.origin));
  }
  const remembered = sessionStorage.getItem(LANGUAGE);
  const part = h("section", { class: "part code" },
    h("h2", { class: "minor" }, "Code"),
    h("div", { class: "tabs" },
      h("div", { role: "tablist", "aria-label": "Language", onkeydown: onKey }, Object.values(tabs)),
      copyButton(() => panels[current].textContent)),
    Object.values(panels),
    h("p", { class: "note" }, "The key is taken from TIMEKIT_APP_KEY."));
  choose(remembered in panels ? remembered : "lua");
  return part;
}

/**
 * Shows an exchange: `{ request, answer, seen, lost, seconds, fault }`. One that has neither an answer nor is lost has not
 * been sent.
 */
export function exchangeView(exchange) {
  const sent = exchange.answer || exchange.lost;
  return h("div", { class: "exchange" },
    sent ? responsePart(exchange) : null,
    requestPart(exchange.request),
    exchange.request.is_cut ? null : codePart(exchange.request));
}

// Milliseconds. An answer that comes sooner needs no word about waiting for it.
const SOON = 300;

/** Sends a request, as `send`. Until an answer comes, which can be never, `view` says so and offers to stop waiting. */
export async function sendFrom(view, request) {
  const stop = new AbortController();
  const waiting = h("p", { class: "line", testid: "waiting" }, "Waiting for the answer…",
    h("button", { type: "button", class: "quiet", testid: "waiting-stop", onclick: () => stop.abort() }, "Stop waiting"));
  const timer = setTimeout(() => {
    view.before(waiting);
    say("Waiting for the answer");
  }, SOON);
  try {
    return await send(request, stop.signal);
  } finally {
    clearTimeout(timer);
    waiting.remove();
  }
}
