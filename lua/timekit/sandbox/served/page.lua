--- The console's files, for browsers: `/` and `/console/…`.
--
-- They are plain files beside the modules, in `lua/timekit/sandbox/console/`, and are read anew for each request. The
-- page may load nothing from elsewhere, run no script that stands in a page, and not be shown in a frame.
-- @module timekit.sandbox.served.page
local core = require "timekit.core"

local page = {}

local FOLDER = "timekit/sandbox/console/"

local PREFIX, INDEX = "/console/", "index.html"

local TYPES = {
  html = "text/html; charset=utf-8", css = "text/css; charset=utf-8", js = "text/javascript; charset=utf-8",
  svg = "image/svg+xml",
}

local POLICY = table.concat({
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
}, "; ")

-- Looks where Lua looks for the modules.
local function open(name)
  for template in package.path:gmatch("[^;]+") do
    local root = template:match("^(.-)%?")
    local file = root and io.open(root .. FOLDER .. name, "rb")
    if file then return file end
  end
  return nil
end

local function read(name)
  local file = open(name)
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

local function answer(status, kind, text, is_head)
  return { status = status, body = is_head and "" or text, headers = {
    ["content-type"] = TYPES[kind] or "application/json", ["content-length"] = tostring(#text),
    ["content-security-policy"] = POLICY, ["x-content-type-options"] = "nosniff",
    ["referrer-policy"] = "no-referrer", ["cross-origin-resource-policy"] = "same-origin",
    ["cache-control"] = "no-cache",
  } }
end

--- Answers a request for a file of the page.
-- @tparam table request as for `Box:handle`
-- @treturn table|nil the answer, as of `Box:handle`; nil for any other target
function page.handle(request)
  local path = request.target:match("^[^?#]*")
  local name = path == "/" and INDEX or path:sub(1, #PREFIX) == PREFIX and path:sub(#PREFIX + 1)
  if not name then return nil end
  local is_head = request.method == "HEAD"
  if request.method ~= "GET" and not is_head then
    local refused = answer(405, nil, assert(core.encode { error = "Method not allowed" }), is_head)
    refused.headers.allow = "GET, HEAD"
    return refused
  end
  -- One folder, without anything below or above it.
  local kind = name:match("^[a-z_]+%.([a-z]+)$")
  local text = TYPES[kind] and read(name)
  if text then return answer(200, kind, text, is_head) end
  if name == INDEX then
    return answer(500, nil, assert(core.encode { error = "the console's files are not installed" }), is_head)
  end
  return answer(404, nil, assert(core.encode { error = "no such file of the console" }), is_head)
end

return page
