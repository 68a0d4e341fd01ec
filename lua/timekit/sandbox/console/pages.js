// A list that is loaded page by page, newest first, and follows what is new.
import { control } from "./api.js";
import { guarded, h, replace } from "./dom.js";

const PAGE = 100;

/**
 * `{ element, reload(), foot }`. `path()` gives the path of the control endpoint with its query, `row(item)` makes an
 * element for an item, `nothing` is shown for an empty list. Rows are made anew only when their items have changed.
 */
export function pagedList({ path, row, nothing, label }) {
  const list = h("ul", { class: "rows", "aria-label": label });
  const count = h("p", { class: "note count" });
  const more = h("button", { type: "button", class: "quiet", hidden: true, testid: "more" }, "Show more");
  // The foot comes with the first rows, so that it does not jump when they come.
  const foot = h("div", { class: "foot" }, count, more), element = h("div", { class: "paged" }, list);
  let items = [], total = 0, made = new Map(), turn = 0;

  async function load(before, newest) {
    const [name, query] = path().split("?");
    const all = new URLSearchParams(query);
    all.set("newest", Math.min(newest, 1000));
    if (before) all.set("before", before);
    return control("GET", `${name}?${all}`, undefined, { whole: true });
  }

  function show() {
    const rows = new Map();
    for (const item of items) {
      const text = JSON.stringify(item);
      const known = made.get(item.number);
      rows.set(item.number, known?.text === text ? known : { text, element: h("li", {}, row(item)) });
    }
    made = rows;
    const elements = [...rows.values()].map((one) => one.element);
    if (elements.length === 0) replace(list, h("li", { class: "nothing" }, nothing()));
    else {
      // Only what has changed is touched, so that focus and scrolling stay.
      elements.forEach((element, index) => {
        if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
      });
      while (list.children.length > elements.length) list.lastChild.remove();
    }
    if (!foot.isConnected) element.append(foot);
    count.textContent = `${items.length} of ${total}`;
    more.hidden = items.length >= total || items.length === 0;
  }

  async function reload(startAnew) {
    const mine = ++turn;
    const answer = await load(undefined, startAnew ? PAGE : Math.max(PAGE, items.length));
    if (mine !== turn) return;
    const last = answer.data.at(-1)?.number;
    // Pages beyond a thousand stay as they are.
    const kept = startAnew || items.length <= 1000 ? [] : items.filter((item) => item.number < last);
    items = [...answer.data, ...kept];
    total = answer.total;
    show();
  }

  more.addEventListener("click", guarded(async () => {
    const mine = ++turn;
    const answer = await load(items.at(-1).number, PAGE);
    if (mine !== turn) return;
    items = [...items, ...answer.data];
    total = answer.total;
    show();
  }));

  return { element, reload };
}
