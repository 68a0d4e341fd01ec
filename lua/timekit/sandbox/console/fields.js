// Form fields by the types that the graphs give their inputs.
import { h } from "./dom.js";

function wrapped(name, spec, input, hint) {
  return h("label", { class: "field" },
    h("span", {}, name, spec.required ? h("span", { class: "must" }, " required") : null), input,
    hint ? h("small", { class: "note" }, hint) : null);
}

const props = (name, spec) => ({
  name, testid: "input-" + name, "aria-required": spec.required ? "true" : null, autocomplete: "off",
});

// Type → [makes the input, reads its text]. An empty text is a field that is left out.
const KINDS = {
  string: [(name, spec) => h("input", { type: "text", ...props(name, spec) }), (text) => text],
  number: [(name, spec) => h("input", { type: "number", step: "any", ...props(name, spec) }), Number],
  integer: [(name, spec) => h("input", { type: "number", step: "1", ...props(name, spec) }), Number],
  boolean: [
    (name, spec) => h("select", props(name, spec),
      h("option", { value: "" }, "left out"), h("option", { value: "true" }, "true"),
      h("option", { value: "false" }, "false")),
    (text) => text === "true",
  ],
  table: [
    (name, spec) => h("input", { type: "text", ...props(name, spec) }),
    (text, name) => {
      const [, time, unit] = text.match(/^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i) ?? [];
      if (unit) return { time: Number(time), unit };
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${name}: expected JSON, or a duration such as 25 min`);
      }
    },
    "JSON, or a duration such as 25 min",
  ],
};

/**
 * A field: `{ element, input, name, read() }`. `read` gives the value, undefined when it is left out, and throws when it
 * is no value of the type. `spec`: `{ type, required, value, hint, options }`; with options it is a choice.
 */
export function field(name, spec = {}) {
  const [make, read, hint] = KINDS[spec.type] ?? KINDS.string;
  const input = spec.options
    ? h("select", props(name, spec), spec.options.map(([value, title]) => h("option", { value }, title)))
    : make(name, spec);
  if (spec.value !== undefined) input.value = spec.value;
  return {
    name, input, element: wrapped(name, spec, input, spec.hint ?? hint),
    read: () => {
      // What is no number has no value, either.
      if (input.validity.badInput) throw new Error(`${name}: expected a number`);
      return input.value === "" ? undefined : read(input.value, name);
    },
  };
}

/** What fields hold, as an object; a dot in a name nests. */
export function valuesOf(fields) {
  const values = {};
  for (const one of fields) {
    const value = one.read();
    if (value === undefined) continue;
    const path = one.name.split(".");
    let place = values;
    for (const part of path.slice(0, -1)) place = place[part] ??= {};
    place[path.at(-1)] = value;
  }
  return values;
}
