// The form that makes a booking.
import { control, dataOf } from "./api.js";
import { carry, prepared } from "./booking.js";
import { guarded, h, replace, say } from "./dom.js";
import { exchangeView, sendFrom } from "./exchange.js";
import { field, valuesOf } from "./fields.js";
import { graphs } from "./graphs.js";
import { refresh } from "./live.js";

const OWNER = "related.owner_booking_id";
const HOUR = 3600;

const timestamp = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19) + "+00:00";

// The group bookings that a customer's booking can take a seat of.
async function owners() {
  const answer = await control("GET", "bookings?newest=100&graph=group_owner");
  return answer.filter((booking) => !booking.completed)
    .map((booking) => [booking.id, `${booking.what ?? "Group"} ${booking.start.slice(0, 16).replace("T", " ")}`]);
}

async function fieldsOf(graph, now) {
  const start = Math.ceil(now / HOUR) * HOUR + HOUR;
  const fields = [];
  const isCustomer = graph.requires.includes(OWNER);
  for (const name of graph.requires) {
    const options = name === OWNER ? await owners() : null;
    const hint = options?.length === 0 ? "Create a booking of the graph group_owner first" : undefined;
    fields.push(field(name, { required: true, options: options?.length ? options : undefined, hint }));
  }
  fields.push(field("what", { value: "Haircut" }));
  // A seat takes the times of its group.
  const times = isCustomer ? [undefined, undefined] : [timestamp(start), timestamp(start + HOUR)];
  fields.push(field("start", { required: !isCustomer, value: times[0] }));
  fields.push(field("end", { required: !isCustomer, value: times[1] }));
  fields.push(field("customer.name", { value: "Marty McFly" }));
  fields.push(field("customer.email", { value: "marty.mcfly@example.com" }));
  for (const [name, spec] of Object.entries(graph.settings).sort()) fields.push(field(name, spec));
  return fields;
}

export function createView(container) {
  const form = h("form", { class: "inputs", novalidate: true, "aria-label": "New booking" });
  const view = h("div", {});
  container.append(h("div", { class: "detail" }, h("div", { class: "head" }, h("h1", {}, "New booking")),
    h("div", { class: "columns" }, h("section", { class: "card" }, form), h("section", { class: "card" }, view))));
  let fields = [], graph = null, known = new Map();

  const request = () =>
    ({ method: "POST", target: "/v2/bookings", body: { graph: graph.name, action: graph.first, ...valuesOf(fields) } });

  function draft() {
    try {
      replace(view, exchangeView(prepared(request())));
    } catch (error) {
      replace(view, h("p", { class: "lost" }, error.message));
    }
  }

  form.addEventListener("submit", guarded(async () => {
    const exchange = await sendFrom(view, request());
    const booking = dataOf(exchange);
    await refresh();
    if (!booking) {
      replace(view, exchangeView(exchange));
      say(exchange.answer ? `Refused with ${exchange.answer.status}` : "No answer came");
      return;
    }
    carry(exchange);
    location.hash = "#booking=" + booking.id;
  }));

  async function show(name) {
    graph = known.get(name);
    const { now } = await control("GET", "clock");
    fields = await fieldsOf(graph, now);
    for (const one of fields) one.input.addEventListener("input", draft);
    replace(form,
      h("label", { class: "field" }, h("span", {}, "graph"), h("select", {
        testid: "create-graph", onchange: (event) => guarded(() => show(event.target.value))(),
      }, [...known.keys()].map((one) => h("option", { value: one, selected: one === name }, one)))),
      fields.map((one) => one.element),
      h("div", { class: "buttons" },
        h("button", { type: "submit", class: "primary", testid: "create-submit" }, "Create")));
    draft();
  }

  guarded(async () => {
    for (const [name, one] of await graphs()) if (one.first) known.set(name, one);
    await show(known.has("confirm_decline") ? "confirm_decline" : known.keys().next().value);
  })();
  return () => {};
}
