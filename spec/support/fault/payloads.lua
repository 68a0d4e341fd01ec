--- Compressed bodies for the fault server, made with gzip(1).
local payloads = {}

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  assert(pipe:close(), "failed: " .. command)
  return text
end

--- `text` as a gzip member.
function payloads.gzip(text)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  local packed = output_of("gzip -nc " .. name)
  os.remove(name)
  return packed
end

local bombs = {}

--- A gzip member of `size` zero bytes, a thousandth of that on the wire.
function payloads.bomb(size)
  bombs[size] = bombs[size] or output_of(("head -c %d /dev/zero | gzip -n"):format(size))
  return bombs[size]
end

return payloads
