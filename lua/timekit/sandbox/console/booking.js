// One booking: its picture, its actions, and what came of them.
import { control, dataOf } from "./api.js";
import { stateChip } from "./bookings.js";
import { clockTime, guarded, h, replace, say, showError } from "./dom.js";
import { exchangeView, sendFrom } from "./exchange.js";
import { field, valuesOf } from "./fields.js";
import { picture } from "./graphs.js";
import { haveMoved, refresh, watch } from "./live.js";

const DELETE = "delete";

// The exchange that a new booking came from. It is shown with the booking.
let carried = null;
export const carry = (exchange) => { carried = exchange; };

// Deleting is no action of a graph, and is offered like one.
function offersOf(booking) {
  const offers = [...booking.actions, {
    name: DELETE, possible: booking.completed, inputs: {},
    reason: `a booking can be deleted once its state is final, and '${booking.state}' is not`,
  }];
  return [...offers.filter((offer) => offer.possible), ...offers.filter((offer) => !offer.possible)];
}

function requestOf(booking, offer, inputs) {
  const target = "/v2/bookings/" + encodeURIComponent(booking.id);
  if (offer.name === DELETE) return { method: "DELETE", target };
  const body = Object.keys(inputs).length ? { [offer.name]: inputs } : {};
  return { method: "PUT", target: `${target}/${encodeURIComponent(offer.name)}`, body };
}

const HEADERS = { authorization: "Basic ***", "content-type": "application/json" };

/** A request that has not been sent, as an exchange. */
export function prepared({ method, target, body }) {
  const headers = body === undefined ? { authorization: HEADERS.authorization } : HEADERS;
  return { request: { method, target, headers, body: body === undefined ? "" : JSON.stringify(body) } };
}

function offerLine(offer, chosen, choose) {
  const reason = offer.possible ? null : "reason-" + offer.name;
  return h("li", {},
    h("button", {
      type: "button", testid: "action-" + offer.name, "aria-disabled": offer.possible ? null : "true",
      "aria-pressed": String(chosen === offer.name), "aria-describedby": reason, class: "action",
      onclick: () => choose(offer.name),
    }, offer.name),
    offer.possible ? h("span", { class: "note" }, offer.to ? "→ " + offer.to : "for good",
      offer.autoplay ? ", also by itself" : "")
      : h("span", { class: "note", id: reason }, offer.reason));
}

// The form of the chosen action, the request that it makes, and the response.
function workbench(element, onSent) {
  let offer = null, booking = null, fields = [], shown = null;
  const view = h("div", {});

  function draft() {
    if (!offer) return;
    try {
      replace(view, exchangeView(prepared(requestOf(booking, offer, valuesOf(fields)))));
    } catch (error) {
      replace(view, h("p", { class: "lost" }, error.message));
    }
  }

  const submit = guarded(async () => {
    const exchange = await sendFrom(view, requestOf(booking, offer, valuesOf(fields)));
    replace(view, exchangeView(exchange));
    say(exchange.answer ? `Answered ${exchange.answer.status}` : "No answer came");
    onSent(exchange, offer);
    await refresh();
  });

  function form() {
    return h("form", { onsubmit: submit, class: "inputs", novalidate: true, "aria-label": "Inputs of " + offer.name },
      fields.map((one) => one.element),
      h("div", { class: "buttons" }, offer.possible
        ? h("button", { type: "submit", class: "primary", testid: "send-action" }, "Send " + offer.name)
        : h("button", { type: "submit", testid: "send-anyway" }, "Send anyway, to see the refusal")));
  }

  return {
    choose(newBooking, newOffer) {
      booking = newBooking;
      offer = newOffer;
      fields = Object.entries(offer.inputs ?? {}).sort().map(([name, spec]) => field(name, spec));
      for (const one of fields) one.input.addEventListener("input", draft);
      shown = offer.possible;
      replace(element, h("h2", {}, offer.name), form(), view);
      draft();
    },
    // The state has changed: the button follows, what was typed and what was answered stays.
    follow(newBooking, newOffer) {
      booking = newBooking;
      offer = newOffer;
      if (shown === offer.possible) return;
      shown = offer.possible;
      element.querySelector("form").replaceWith(form());
    },
    show(exchange) {
      replace(element, h("h2", {}, "Created"), exchangeView(exchange));
    },
  };
}

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));

function headOf(booking) {
  const { event_info: event = {} } = booking.attributes ?? {};
  const [customer] = booking.customers ?? [];
  return [
    h("div", { class: "head" },
      h("h1", {}, event.what || "Booking " + booking.id.slice(0, 8)),
      stateChip(booking.state, booking.completed, "booking-state")),
    h("dl", { class: "facts" },
      fact("Id", h("code", {}, booking.id)), fact("Graph", booking.graph),
      event.start ? fact("Time", `${clockTime(event.start, true)} to ${clockTime(event.end, true)} UTC`) : null,
      customer?.name || customer?.email ? fact("Customer", customer.name ?? customer.email) : null,
      fact("By itself", booking.next
        ? `${booking.next.action ?? "expires"} → ${booking.next.to}, at ${clockTime(booking.next.time)}`
        : "nothing will happen")),
  ];
}

function historyOf(booking) {
  return [h("h2", {}, "What happened"), h("ol", { class: "steps" }, booking.history.map((step) =>
    h("li", {}, h("time", { datetime: step.time }, clockTime(step.time)), " ",
      h("strong", {}, step.action ?? "set by the server"), ` ${step.from ?? ""} → ${step.to}, by ${step.by}`)))];
}

export function bookingView(container, id) {
  const head = h("div", {}), figure = h("div", { class: "figure" }), past = h("section", { class: "card" });
  const actions = h("ul", { class: "actions" }), work = h("section", { class: "card work" });
  const detail = h("div", { class: "detail" }, head);
  // All of it comes at once, so that nothing jumps.
  const rest = [h("div", { class: "columns wide" }, h("section", { class: "card" }, figure),
    h("section", { class: "card" }, h("h2", {}, "Actions"), actions), work, past)];
  container.append(detail);
  let booking = null, chosen = null, seen = "", ended = false, hasDeleted = false;

  function choose(name) {
    chosen = name;
    bench.choose(booking, offersOf(booking).find((offer) => offer.name === name));
    showActions();
  }

  const bench = workbench(work, (exchange, offer) => {
    hasDeleted = offer.name === DELETE && exchange.answer?.status < 300;
  });

  function showActions() {
    replace(actions, offersOf(booking).map((offer) => offerLine(offer, chosen, choose)));
  }

  // Where the picture is wider than its place, the current state is in the middle.
  function show(drawn) {
    replace(figure, drawn);
    const box = drawn.querySelector("[aria-current] rect").getBoundingClientRect();
    const place = drawn.getBoundingClientRect();
    drawn.scrollLeft += box.left + box.width / 2 - place.left - place.width / 2;
  }

  async function load() {
    let fresh;
    try {
      fresh = await control("GET", "bookings/" + encodeURIComponent(id));
    } catch (error) {
      if (error.status !== 404) throw error;
      replace(head, h("h1", {}, "Booking " + id.slice(0, 8)),
        h("p", {}, hasDeleted ? "It was deleted." : "There is no such booking."));
      for (const part of [figure, actions, past]) part.replaceChildren();
      if (!hasDeleted) work.replaceChildren();
      return;
    }
    const text = JSON.stringify(fresh);
    if (text === seen || ended) return;
    const drawn = !booking || fresh.state !== booking.state ? await picture(fresh, choose) : null;
    if (ended) return;
    seen = text;
    booking = fresh;
    replace(head, headOf(booking));
    if (!work.isConnected) detail.append(...rest);
    if (drawn) show(drawn);
    showActions();
    replace(past, historyOf(booking));
    if (chosen) bench.follow(booking, offersOf(booking).find((offer) => offer.name === chosen));
  }

  if (carried && dataOf(carried)?.id === id) bench.show(carried);
  else work.append(h("p", { class: "note" }, "Choose an action: its request and code appear here before it is sent."));
  carried = null;
  const stop = watch((status, before) => {
    if (haveMoved(status, before)) load().catch(showError);
  });
  return () => {
    ended = true;
    stop();
  };
}
