// Faults: planned, so that a developer sees what an uncertain outcome looks like in the own program.
import { control } from "./api.js";
import { guarded, h, replace, say, showError } from "./dom.js";
import { field, valuesOf } from "./fields.js";
import { refresh, watch } from "./live.js";

const ANSWER = ["status", "body"];
const KINDS = {
  close: { title: "close: the connection is lost", extra: [], explains: "The client gets no answer. With “after”, the "
    + "request has taken effect all the same: the outcome is uncertain until somebody reads the booking." },
  truncate: { title: "truncate: half of an answer", extra: ANSWER, explains: "The body ends in its middle, and the "
    + "connection is closed." },
  garbage: { title: "garbage: not JSON", extra: ANSWER, explains: "The answer is 200, with a page of HTML." },
  stall: { title: "stall: no answer for a while", extra: ["seconds"], explains: "Nothing comes for so many seconds, then "
    + "the answer does. Without seconds, nothing ever comes." },
  status: { title: "status: an error of the server", extra: ANSWER, required: "status", explains: "An answer with that "
    + "status, as from a gateway." },
  late: { title: "late: it arrives after others", extra: ["after_requests"], beforeOnly: true, explains: "The connection "
    + "is lost, but the request is still on its way. It is carried out after so many more requests." },
};

const SPECS = {
  status: { type: "integer", value: "503" }, body: { type: "string" }, seconds: { type: "number", value: "5" },
  after_requests: { type: "integer", value: "1" },
};

const MATCHES = ["PUT /v2/bookings/*/*", "PUT /v2/bookings/*/confirm", "POST /v2/bookings", "GET /v2/bookings/*",
  "GET /v2/bookings", "* /v2/bookings/*"];

function describe(fault) {
  const times = fault.times === "always" ? "every request" : fault.times === 1 ? "the next request" : `the next ${fault.times} requests`;
  const details = ["status", "seconds", "after_requests"].filter((name) => fault[name] !== undefined)
    .map((name) => `${name.replace("_", " ")} ${fault[name]}`);
  const matching = fault.match && [fault.times > 1 ? " that match " : " that matches ", h("code", {}, fault.match)];
  return [h("strong", {}, fault.what), ` ${fault.when} the change, ${times}`, matching || "",
    details.length ? `; ${details.join(", ")}` : ""];
}

export function faultsView(container) {
  const form = h("form", { class: "inputs", novalidate: true, "aria-label": "Plan a fault" });
  const list = h("ul", { class: "rows" });
  container.append(h("div", { class: "detail" }, h("div", { class: "head" }, h("h1", {}, "Faults")),
    h("div", { class: "columns" },
      h("section", { class: "card" }, h("h2", {}, "Plan a fault"), form),
      h("section", { class: "card" }, h("h2", {}, "Planned"), list))));
  let fields = [];

  function show(what) {
    const kind = KINDS[what];
    const select = h("select", { name: "what", testid: "fault-what", onchange: (event) => show(event.target.value) },
      Object.entries(KINDS).map(([name, one]) => h("option", { value: name, selected: name === what }, one.title)));
    const when = kind.beforeOnly ? [["before", "before the change"]]
      : [["after", "after the change"], ["before", "before the change"]];
    const match = field("match", { type: "string", hint: "Method and path; * stands for one part. Empty: every request" });
    match.input.setAttribute("list", "matches");
    fields = [field("when", { options: when }), match, field("times", { type: "integer", value: "1" }),
      ...kind.extra.map((name) => field(name, { ...SPECS[name], required: name === kind.required,
        value: name === "status" && what !== "status" ? undefined : SPECS[name].value }))];
    for (const one of fields) one.input.dataset.testid = "fault-" + one.name;
    replace(form, h("label", { class: "field" }, h("span", {}, "what"), select),
      h("p", { class: "note" }, kind.explains), fields.map((one) => one.element),
      h("datalist", { id: "matches" }, MATCHES.map((value) => h("option", { value }))),
      h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary", testid: "fault-add" }, "Plan it")));
    form.onsubmit = guarded(async () => {
      list.replaceChildren(...rows(await control("POST", "faults", { what, ...valuesOf(fields) })));
      say("Planned");
      await refresh();
    });
  }

  function rows(faults) {
    if (faults.length === 0) return [h("li", { class: "nothing" }, "No fault is planned. Requests go through as they are.")];
    return faults.map((fault, index) => h("li", { class: "row plain", testid: "fault-row" }, h("span", {}, describe(fault)),
      h("button", { type: "button", class: "quiet", testid: "fault-drop", "aria-label": `Drop fault ${index + 1}`,
        onclick: guarded(async () => {
          replace(list, rows(await control("DELETE", "faults/" + (index + 1))));
          say("Dropped");
          await refresh();
        }) }, "Drop")));
  }

  show("close");
  let seen = "";
  return watch((status, before) => {
    if (before && status.faults === before.faults && status.requests === before.requests) return;
    control("GET", "faults").then((faults) => {
      if (JSON.stringify(faults) === seen) return;
      seen = JSON.stringify(faults);
      replace(list, rows(faults));
    }).catch(showError);
  });
}
