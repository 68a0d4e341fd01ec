// The history: every request of every client, and one of them in full.
import { control } from "./api.js";
import { clockTime, guarded, h, replace, say, showError } from "./dom.js";
import { exchangeView, toneOf } from "./exchange.js";
import { refresh, watch } from "./live.js";
import { pagedList } from "./pages.js";

/** Who sent a request, briefly: the first word of its User-Agent, and where it came from unless that is this machine. */
function sender({ who, address }) {
  const name = !who ? "unknown" : who.startsWith("Mozilla/") ? "a browser" : who.split(" ")[0];
  return !address || address === "127.0.0.1" || address === "::1" ? name : `${name} from ${address}`;
}

const statusOf = (entry) => h("span", { class: "chip " + toneOf(entry.status) }, entry.status ?? "none");

function row(entry) {
  return h("a", {
    class: "row request", href: "#request=" + entry.number, testid: "history-row", "data-number": entry.number,
  },
  h("span", { class: "note" }, "#" + entry.number),
  h("span", { class: "first" }, h("strong", {}, entry.method), " ", entry.target.replace(/^\/v2/, "")),
  statusOf(entry),
  h("span", { class: "note" }, sender(entry), entry.fault ? h("span", { class: "fault" }, " ⚡ " + entry.fault.what) : null),
  h("time", { class: "note", datetime: entry.time, title: clockTime(entry.time) }, clockTime(entry.time).slice(5)));
}

export function requestsList(container) {
  const list = pagedList({
    label: "Requests", row, path: () => "requests",
    nothing: () => ["No request has come yet. Send one to ", h("code", {}, location.origin + "/v2"), "."],
  });
  container.append(h("div", { class: "head" }, h("h1", {}, "Requests")), list.element);
  return watch((status, before) => {
    if (before && status.requests === before.requests) return;
    list.reload(before !== null && status.requests < before.requests).catch(showError);
  });
}

// What the client saw is shown first; what the sandbox did about a request that met a fault stands below.
function exchangeOf(entry) {
  const answer = entry.fault ? entry.seen ?? entry.answer : entry.answer;
  const lost = answer?.status ? undefined : "The client got no answer."
    + (entry.answer ? ` The request was carried out all the same, with the status ${entry.answer.status}.`
      : " The request was not carried out.");
  return { request: { ...entry.request, method: entry.method, target: entry.target }, answer: answer?.status ? answer : undefined,
    lost, seconds: entry.seconds, fault: entry.fault };
}

export function requestView(container, text) {
  const detail = h("div", { class: "detail" });
  container.append(detail);
  guarded(async () => {
    let entry;
    try {
      entry = await control("GET", "requests/" + encodeURIComponent(text));
    } catch (error) {
      if (error.status !== 404) throw error;
      replace(detail, h("h1", {}, "Request #" + text), h("p", {}, "It is not in the history, or no longer."));
      return;
    }
    const again = h("button", { type: "button", class: "primary", testid: "history-again", onclick: guarded(async () => {
      const sent = await control("POST", `requests/${entry.number}/again`);
      await refresh();
      if (!sent.number) return showError(new Error("A planned fault made the request late. It appears when it comes."));
      say(`Sent again as request ${sent.number}`);
      location.hash = "#request=" + sent.number;
    }) }, "Send again");
    replace(detail,
      h("div", { class: "head" }, h("h1", {}, "Request #" + entry.number), again),
      h("dl", { class: "facts" },
        h("div", {}, h("dt", {}, "When"), h("dd", {}, clockTime(entry.time) + " UTC")),
        h("div", {}, h("dt", {}, "Who"), h("dd", {}, entry.who ?? "unknown", entry.address ? ` (${entry.address})` : "")),
        h("div", {}, h("dt", {}, "Id"), h("dd", {}, h("code", {}, entry.request_id)))),
      h("section", { class: "card" }, exchangeView(exchangeOf(entry))));
  })();
  return () => {};
}
