// Webhooks: set up, what was sent, and sending it again.
import { control } from "./api.js";
import { clockTime, guarded, h, replace, say, showError } from "./dom.js";
import { field, valuesOf } from "./fields.js";
import { graphs } from "./graphs.js";
import { block } from "./json.js";
import { refresh, watch } from "./live.js";

const TONES = { delivered: "good", pending: "warn", failed: "bad" };

function tries(delivery) {
  if (!delivery.tries?.length) return "not tried yet";
  return delivery.tries.map((one) => `${clockTime(one.time).slice(11)} ${one.answered ?? "no answer"}`).join(", ");
}

export function webhooksView(container) {
  const form = h("form", { class: "inputs", novalidate: true, "aria-label": "Add a webhook" });
  const hooks = h("ul", { class: "rows" }), deliveries = h("ul", { class: "rows" });
  container.append(h("div", { class: "detail" }, h("div", { class: "head" }, h("h1", {}, "Webhooks")),
    h("div", { class: "columns" },
      h("div", {},
        h("section", { class: "card" }, h("h2", {}, "Add a webhook"), form),
        h("section", { class: "card" }, h("h2", {}, "Set up"), hooks)),
      h("section", { class: "card" }, h("h2", {}, "Deliveries"), deliveries))));

  function hookRow(hook, index) {
    return h("li", { class: "row plain" },
      h("span", {}, h("code", {}, hook.url), ` when a booking of ${hook.graph} enters ${hook.state}`),
      h("button", { type: "button", class: "quiet", "aria-label": `Remove webhook ${index + 1}`, testid: "webhook-remove",
        onclick: guarded(async () => show(await control("DELETE", "webhooks/" + (index + 1)))) }, "Remove"));
  }

  function deliveryRow(delivery) {
    return h("li", { class: "row delivery", testid: "delivery-row", "data-number": delivery.number },
      h("span", { class: "chip " + TONES[delivery.status] }, delivery.status),
      h("span", { class: "first" }, `${delivery.graph} ${delivery.state} `,
        h("a", { href: "#booking=" + delivery.booking_id }, delivery.booking_id.slice(0, 8))),
      h("button", { type: "button", class: "quiet", testid: "delivery-again", onclick: guarded(async () => {
        show(await control("POST", `deliveries/${delivery.number}/again`));
        say("It is sent again");
        await refresh();
      }) }, "Send again"),
      h("span", { class: "note whole" }, `${delivery.url}: ${tries(delivery)}`),
      h("details", { class: "whole" }, h("summary", {}, "Payload"),
        h("p", { class: "note" }, "x-timekit-signature ", h("code", {}, delivery.headers["x-timekit-signature"])),
        block(delivery.body, { label: "Payload" })));
  }

  let seen = "";
  function show(answer) {
    const text = JSON.stringify(answer);
    if (text === seen) return;
    seen = text;
    replace(hooks, answer.webhooks.length ? answer.webhooks.map(hookRow)
      : h("li", { class: "nothing" }, "No webhook is set up."));
    const open = new Set([...deliveries.querySelectorAll("details[open]")].map((one) => one.parentElement.dataset.number));
    const latest = answer.deliveries.slice(-100).reverse();
    replace(deliveries, latest.length ? latest.map(deliveryRow)
      : h("li", { class: "nothing" }, "Nothing was sent yet. Perform an action that leads to the state."));
    for (const one of deliveries.children) one.querySelector("details")?.toggleAttribute("open", open.has(one.dataset.number));
  }

  guarded(async () => {
    const known = await graphs();
    const url = field("url", { required: true, value: "http://127.0.0.1:9000/hook", hint: "http, on this machine" });
    const secret = field("secret", { required: true, value: "s3cr3t" });
    const graph = field("graph", { options: [...known.keys()].map((name) => [name, name]), value: "confirm_decline" });
    const state = field("state", { options: [] });
    const fill = () => state.input.replaceChildren(...known.get(graph.input.value).states.map((one) =>
      h("option", { value: one.name, selected: one.name === "confirmed" }, one.name)));
    graph.input.addEventListener("change", fill);
    fill();
    const fields = [url, secret, graph, state];
    for (const one of fields) one.input.dataset.testid = "webhook-" + one.name;
    form.append(...fields.map((one) => one.element), h("div", { class: "buttons" },
      h("button", { type: "submit", class: "primary", testid: "webhook-add" }, "Add")));
    form.addEventListener("submit", guarded(async () => {
      show(await control("POST", "webhooks", valuesOf(fields)));
      say("The webhook is set up");
      await refresh();
    }));
  })();
  let pending = 1;
  return watch((status, before) => {
    const changed = !before || ["deliveries", "webhooks", "pending"].some((name) => status[name] !== before[name]);
    if (changed || pending || status.pending) control("GET", "webhooks").then(show).catch(showError);
    pending = status.pending;
  });
}
