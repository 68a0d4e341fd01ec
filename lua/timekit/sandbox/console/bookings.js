// The list of bookings, with its search.
import { clockTime, h, showError } from "./dom.js";
import { graphs } from "./graphs.js";
import { haveMoved, watch } from "./live.js";
import { pagedList } from "./pages.js";

// What was searched for stays while another view is open.
const filter = { graph: "", state: "", search: "" };

export const stateChip = (state, completed, testid) =>
  h("span", { class: "chip " + (completed ? "done" : "open"), testid }, state);

function row(booking) {
  return h("a", {
    class: "row booking", href: "#booking=" + booking.id, testid: "booking-row", "data-id": booking.id,
    "data-state": booking.state,
  },
  h("span", { class: "first" }, booking.what || booking.customer || "Booking " + booking.id.slice(0, 8)),
  stateChip(booking.state, booking.completed),
  h("span", { class: "note" }, booking.graph),
  h("span", { class: "note" }, clockTime(booking.start, true)));
}

function choice(label, name, values, reload) {
  return h("label", { class: "field" }, h("span", {}, label),
    h("select", { testid: "filter-" + name, value: filter[name], onchange: (event) => {
      filter[name] = event.target.value;
      reload();
    } }, h("option", { value: "" }, "all"), values.map((value) =>
      h("option", { value, selected: value === filter[name] }, value))));
}

export function bookingsList(container) {
  const list = pagedList({
    label: "Bookings", row,
    path: () => "bookings?" + new URLSearchParams(Object.entries(filter).filter(([, value]) => value)),
    nothing: () => (Object.values(filter).some(Boolean) ? ["No booking fits."]
      : ["There is no booking yet. ", h("a", { href: "#create" }, "Create one"), ", here or from your program."]),
  });
  const reload = () => list.reload(true).catch(showError);
  const search = h("label", { class: "field" }, h("span", {}, "Search"), h("input", {
    type: "search", testid: "filter-search", placeholder: "id, title, customer", value: filter.search,
    oninput: (event) => {
      filter.search = event.target.value;
      reload();
    },
  }));
  const filters = h("div", { class: "filters" }, search);
  container.append(h("div", { class: "head" }, h("h1", {}, "Bookings"),
    h("a", { class: "button primary", href: "#create", testid: "create-open" }, "New booking")), filters, list.element);
  graphs().then((known) => {
    const states = new Set([...known.values()].flatMap((graph) => graph.states.map((state) => state.name)));
    filters.append(choice("Graph", "graph", [...known.keys()], reload), choice("State", "state", [...states].sort(), reload));
  }).catch(showError);
  return watch((status, before) => {
    if (haveMoved(status, before)) list.reload(before !== null && status.requests < before.requests).catch(showError);
  });
}
