// The same request as code in five languages. Each runs as it stands, with the key in TIMEKIT_APP_KEY.

const indent = (text, by = "  ") => text.replaceAll("\n", "\n" + by);

// Writes a value as a literal of a language: `{ string, null, true, false, list, table, empty }`. `numberedMarks` are
// those of an object that the language would take for a list.
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
    ...(fields[0][0] === "0" && language.numberedMarks || language.tableMarks));
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
  listMarks: ["[", "]"], tableMarks: ["[", "]"], numberedMarks: ["(object) [", "]"],
  field: (name) => phpString(name) + " => ",
};

const isEmpty = (value) => value === undefined || (value && typeof value === "object" && !Object.keys(value).length);

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function decoded(text, decode) {
  try {
    return decode(text);
  } catch {
    return text;
  }
}

const LUA_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

// Why the module cannot send a request; null when it can.
function luaObstacle({ method, url, path, text, body }, base) {
  if (!LUA_METHODS.includes(method)) return `It sends ${LUA_METHODS.join(", ")} only.`;
  if (!url.startsWith(base) || !/^(\/[^/\\]+)+$/.test(path)) return "It sends to paths below /v2 only, without empty parts.";
  if (text && (!body || typeof body !== "object")) return "It sends JSON objects and lists only, with numbers that Lua can hold.";
  return text && method === "GET" ? "It sends no body with a GET." : null;
}

// What the module has a method for is written with it.
function luaCall({ method, path, query, body }) {
  const write = (value) => literal(value, LUA);
  const [, id, action] = path.match(/^\/bookings\/([^/]+)(?:\/([^/]+))?$/) ?? [];
  const named = id && !["bulk", "groups", "reserve", "graphs"].includes(id);
  const handle = id && `tk:booking(${luaString(decoded(id, decodeURIComponent))})`;
  const isAction = named && action && method === "PUT" && isObject(body)
    && Object.keys(body).every((name) => name === action);
  if (isAction) {
    const inputs = body[action];
    return `${handle}:action(${luaString(action)}${isEmpty(inputs) ? "" : ", " + write(inputs)})`;
  }
  if (named && !action && method === "GET" && !query) return `${handle}:get()`;
  if (named && !action && method === "DELETE" && body === undefined) return `${handle}:delete()`;
  if (path === "/bookings" && method === "POST" && !query && isObject(body) && !isEmpty(body)) {
    return `tk:create_booking(${write(body)})`;
  }
  const options = [];
  if (query) options.push("query = " + indent(literal(query, LUA)));
  if (body !== undefined) options.push("body = " + indent(literal(body, LUA)));
  const third = options.length ? `, {\n  ${options.join(",\n  ")},\n}` : "";
  return `tk:request(${luaString(method)}, ${luaString(decoded(path, decodeURI))}${third})`;
}

function lua(request, base) {
  const obstacle = luaObstacle(request, base);
  if (obstacle) return `-- The module cannot send this request. ${obstacle}\n`;
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

// Linux takes no argument of 128 KiB, which are at least a quarter as many characters. `printf` is the shell's own.
const LONG = 32_000;

function curl({ method, url, text }) {
  // Without -g, brackets and braces would stand for several addresses.
  const plain = /[[\]{}]/.test(url) ? "-g " : "";
  const lines = [`curl -sS -i ${plain}-u ":$TIMEKIT_APP_KEY" ${method === "HEAD" ? "-I" : "-X " + method} ${shell(url)}`];
  if (text) lines.push("-H 'Content-Type: application/json'");
  if (text?.length >= LONG) {
    lines.unshift(`printf %s ${shell(text)} |`);
    lines.push("--data-binary @-");
  } else if (text) lines.push(`--data-raw ${shell(text)}`);
  return lines.join(" \\\n  ") + "\n";
}

// A body that is JSON is written as a value, any other as its text.
const bodyIn = (request, language, wrap) =>
  request.body === undefined ? language.string(request.text) : wrap(literal(request.body, language, "  "));

function javascript(request) {
  const { method, url } = request;
  // `fetch` sends no body with these.
  const text = method === "GET" || method === "HEAD" ? undefined : request.text;
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

// What a program would not send as it came: a number that it cannot hold, or a name that means something to JavaScript.
const isLost = (name, value) => name === "__proto__"
  || typeof value === "number" && !(Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value));

// The value of a body; undefined for one that has to be sent as its text.
function bodyOf(text) {
  if (!text) return undefined;
  let isWhole = true;
  try {
    const body = JSON.parse(text, (name, value) => {
      if (isLost(name, value)) isWhole = false;
      return value;
    });
    return isWhole ? body : undefined;
  } catch {
    return undefined;
  }
}

function queryOf(text) {
  if (!text) return undefined;
  const query = Object.create(null);
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
  // Not every program encodes what cannot stand in an address.
  const target = request.target.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  const [, path, query] = target.replace(/^\/v2/, "").match(/^([^?]*)\??(.*)$/);
  return WRITERS[language]({
    method: request.method, url: origin + target, text: request.body || undefined, body: bodyOf(request.body),
    path, query: queryOf(query),
  }, origin + "/v2");
}
