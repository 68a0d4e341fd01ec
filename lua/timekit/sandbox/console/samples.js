// The same request as code in five languages. Each runs as it stands, with the key in TIMEKIT_APP_KEY.

const indent = (text, by = "  ") => text.replaceAll("\n", "\n" + by);

// Writes a value as a literal of a language: `{ string, null, true, false, list, table, empty }`.
function literal(value, language, depth = "") {
  const inner = depth + "  ";
  const items = (list, open, close) => list.length === 0 ? open + close
    : `${open}\n${list.map((item) => inner + item).join(",\n")},\n${depth}${close}`;
  if (value === null) return language.null;
  if (typeof value === "string") return language.string(value);
  if (typeof value === "boolean") return value ? language.true : language.false;
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) {
    return language.list(items(value.map((item) => literal(item, language, inner)), ...language.listMarks), value);
  }
  const fields = Object.entries(value);
  if (fields.length === 0) return language.empty;
  return items(fields.map(([name, item]) => language.field(name) + literal(item, language, inner)),
    ...language.tableMarks);
}

const jsonString = (text) => JSON.stringify(text);
const same = (text) => text;

// Lua has decimal escapes only in all of its versions.
const luaString = (text) => '"' + text.replace(/[\\"]/g, "\\$&").replace(/[\u0000-\u001f\u007f]/g,
  (character) => "\\" + String(character.charCodeAt(0)).padStart(3, "0")) + '"';
const LUA_WORDS = new Set(("and break do else elseif end false for function goto if in local nil not or repeat return "
  + "then true until while").split(" "));
const isLuaName = (name) => /^[A-Za-z_]\w*$/.test(name) && !LUA_WORDS.has(name);
const LUA = {
  string: luaString, null: "timekit.null", true: "true", false: "false", empty: "{}",
  list: (text, value) => (value.length ? text : "timekit.array {}"), listMarks: ["{", "}"], tableMarks: ["{", "}"],
  field: (name) => (isLuaName(name) ? name : `[${luaString(name)}]`) + " = ",
};
const PYTHON = {
  string: jsonString, null: "None", true: "True", false: "False", empty: "{}", list: same, listMarks: ["[", "]"],
  tableMarks: ["{", "}"], field: (name) => jsonString(name) + ": ",
};
const JAVASCRIPT = {
  string: jsonString, null: "null", true: "true", false: "false", empty: "{}", list: same, listMarks: ["[", "]"],
  tableMarks: ["{", "}"], field: (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : jsonString(name)) + ": ",
};
const phpString = (text) => "'" + text.replace(/[\\']/g, "\\$&") + "'";
const PHP = {
  string: phpString, null: "null", true: "true", false: "false", empty: "new stdClass()", list: same,
  listMarks: ["[", "]"], tableMarks: ["[", "]"], field: (name) => phpString(name) + " => ",
};

const isEmpty = (value) => value === undefined || (value && typeof value === "object" && !Object.keys(value).length);

// What the module has a method for is written with it.
function luaCall({ method, path, query, body }) {
  const write = (value) => literal(value, LUA);
  const [, id, action] = path.match(/^\/bookings\/([^/]+)(?:\/([^/]+))?$/) ?? [];
  const named = id && !["bulk", "groups", "reserve", "graphs"].includes(id);
  const handle = id && `tk:booking(${luaString(decodeURIComponent(id))})`;
  const isAction = named && action && method === "PUT" && body && typeof body === "object" && !Array.isArray(body)
    && Object.keys(body).every((name) => name === action);
  if (isAction) {
    const inputs = body[action];
    return `${handle}:action(${luaString(action)}${isEmpty(inputs) ? "" : ", " + write(inputs)})`;
  }
  if (named && !action && method === "GET" && !query) return `${handle}:get()`;
  if (named && !action && method === "DELETE" && body === undefined) return `${handle}:delete()`;
  if (path === "/bookings" && method === "POST" && !query && !isEmpty(body)) return `tk:create_booking(${write(body)})`;
  const options = [];
  if (query) options.push("query = " + indent(literal(query, LUA)));
  if (body !== undefined) options.push("body = " + indent(literal(body, LUA)));
  const third = options.length ? `, {\n  ${options.join(",\n  ")},\n}` : "";
  return `tk:request(${luaString(method)}, ${luaString(decodeURI(path))}${third})`;
}

function lua(request, base) {
  return `local timekit = require "timekit"

local tk = timekit.new {
  base_url = ${luaString(base)},
  app_key = os.getenv("TIMEKIT_APP_KEY"),
}
local result, err = ${luaCall(request)}
if not result then
  print(err.kind, err)
elseif type(result) == "table" then
  print(result.id, result.state)
else
  print(result)
end
tk:close()
`;
}

const shell = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

function curl({ method, url, text }) {
  const lines = [`curl -sS -i -u ":$TIMEKIT_APP_KEY" ${method === "HEAD" ? "-I" : "-X " + method} ${shell(url)}`];
  if (text) lines.push("-H 'Content-Type: application/json'", `--data-raw ${shell(text)}`);
  return lines.join(" \\\n  ") + "\n";
}

// A body that is JSON is written as a value, any other as its text.
const bodyIn = (request, language, wrap) =>
  request.body === undefined ? language.string(request.text) : wrap(literal(request.body, language, "  "));

function javascript(request) {
  const { method, url, text } = request;
  const type = text ? '\n    "Content-Type": "application/json",' : "";
  const body = text ? `\n  body: ${bodyIn(request, JAVASCRIPT, (value) => `JSON.stringify(${value})`)},` : "";
  return `const key = Buffer.from(":" + process.env.TIMEKIT_APP_KEY).toString("base64");
const response = await fetch(${jsonString(url)}, {
  method: ${jsonString(method)},
  headers: {
    Authorization: "Basic " + key,${type}
  },${body}
});
console.log(response.status, await response.text());
`;
}

function python(request) {
  const { method, url, text } = request;
  const data = text ? `\n    data=${bodyIn(request, PYTHON, (value) => `json.dumps(${value})`)}.encode(),` : "";
  const type = text ? ', "Content-Type": "application/json"' : "";
  return `import base64
import json
import os
import urllib.error
import urllib.request

key = base64.b64encode((":" + os.environ["TIMEKIT_APP_KEY"]).encode()).decode()
request = urllib.request.Request(
    ${jsonString(url)},
    method=${jsonString(method)},${data}
    headers={"Authorization": "Basic " + key${type}},
)
try:
    with urllib.request.urlopen(request) as response:
        print(response.status, response.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
`;
}

function php(request) {
  const { method, url, text } = request;
  const type = text ? ", 'Content-Type: application/json'" : "";
  const content = text
    ? `\n  'content' => ${bodyIn(request, PHP, (value) => `json_encode(${value})`)},` : "";
  return `<?php
$key = base64_encode(':' . getenv('TIMEKIT_APP_KEY'));
$context = stream_context_create(['http' => [
  'method' => ${phpString(method)},
  'header' => ['Authorization: Basic ' . $key${type}],${content}
  'ignore_errors' => true,
]]);
$body = file_get_contents(${phpString(url)}, false, $context);
echo $http_response_header[0], "\\n", $body, "\\n";
`;
}

const WRITERS = { lua, curl, javascript, python, php };

export const LANGUAGES = [
  ["lua", "Lua"], ["curl", "curl"], ["javascript", "JavaScript"], ["python", "Python"], ["php", "PHP"],
];

function bodyOf(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryOf(text) {
  if (!text) return undefined;
  const query = {};
  for (const [name, value] of new URLSearchParams(text)) {
    query[name] = name in query ? [].concat(query[name], value) : value;
  }
  return query;
}

/**
 * Writes a request in a language. `request`: `{ method, target, body }`, where `target` begins with /v2 and `body` is
 * the text; `origin` is that of the sandbox.
 */
export function sample(language, request, origin) {
  const [path, query] = request.target.replace(/^\/v2/, "").split("?");
  return WRITERS[language]({
    method: request.method, url: origin + request.target, text: request.body || undefined, body: bodyOf(request.body),
    path, query: queryOf(query),
  }, origin + "/v2");
}
