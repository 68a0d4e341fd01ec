// Finds names while they are typed. All words must occur; a name that begins with the text comes first.
const input = document.getElementById("search"), list = document.getElementById("found");

function find(text) {
  const words = text.toLowerCase().split(/[\s.:]+/).filter(Boolean);
  const hits = names.filter(([name]) => words.every((word) => name.toLowerCase().includes(word)));
  const rank = ([name]) => {
    const at = name.toLowerCase().search(/[\w]+$/);
    return (name.slice(at).toLowerCase().startsWith(words[words.length - 1]) ? 0 : 1000) + name.length;
  };
  return words.length ? hits.sort((a, b) => rank(a) - rank(b)).slice(0, 12) : [];
}

function show() {
  const hits = find(input.value);
  list.replaceChildren(...hits.map(([name, address, summary]) => {
    const item = document.createElement("li"), link = document.createElement("a");
    const code = document.createElement("code"), text = document.createElement("span");
    code.textContent = name;
    text.textContent = " " + summary;
    link.href = address;
    link.append(code, text);
    item.append(link);
    return item;
  }));
  list.hidden = hits.length === 0;
}

input.addEventListener("input", show);
input.addEventListener("keydown", (event) => {
  const first = list.querySelector("a");
  if (event.key === "Enter" && first) { location.href = first.href; list.hidden = true; }
  if (event.key === "Escape") { input.value = ""; show(); }
});
list.addEventListener("click", () => { list.hidden = true; });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
});
// Narrow pages begin with the text, not with the contents.
document.querySelector("nav details").open = matchMedia("(min-width: 50rem)").matches;
