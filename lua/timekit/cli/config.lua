--- Where the program finds its key and its account: a file of `--key-file`, the environment, a profile.
--
-- A key is never an argument, which every user of the machine could see. The first of these that is there counts:
-- `--key-file`, the profile of `--profile`, the environment (`TIMEKIT_APP_KEY`, or a resource's key), the profile
-- `default`. A profile that is not used gives nothing, so that no key goes to the address of another account.
-- @module timekit.cli.config

local core = require "timekit.core"
local failure = require "timekit.cli.failure"

local config = {}

-- What a profile may say. `webhook_secret` is the program's own, all else are options of `timekit.new`.
local NAMES = {
  app_key = true, resource_email = true, resource_key = true, app = true, base_url = true, ca_file = true, proxy = true,
  webhook_secret = true,
}

local function read_file(path)
  local file, problem = io.open(path, "rb")
  if not file then return nil, problem end
  local text
  text, problem = file:read "*a"
  file:close()
  return text, problem
end

--- Reads a secret from a file: its first line, without the line's end.
-- Raises a failure if the file cannot be read or is empty.
-- @tparam string path
-- @tparam string option what named the file, for messages
-- @treturn string
function config.secret(path, option)
  local text, problem = read_file(path)
  if not text then failure.raise("auth", "%s: cannot read the file: %s", option, problem) end
  local secret = text:match("^[^\r\n]*")
  if secret == "" then failure.raise("auth", "%s: the file %s holds no key", option, path) end
  return secret
end

--- Where the profiles are.
-- @treturn string a path
function config.path()
  local folder = os.getenv "XDG_CONFIG_HOME"
  if not folder or folder == "" then folder = (os.getenv "HOME" or "") .. "/.config" end
  return folder .. "/timekit/config"
end

local function trim(text)
  return text:match("^[ \t\r]*(.-)[ \t\r]*$")
end

-- The profiles of a file: name → { name = value }. Values are never repeated in a message, since they can be keys.
local function parse(text, path)
  local profiles, current, number = {}, nil, 0
  -- Editors of Windows begin a text with a byte order mark.
  for whole in (text:gsub("^\239\187\191", "") .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local line = trim(whole)
    local title, name, value = line:match("^%[(.*)%]$"), line:match("^([%w_]+)[ \t]*=[ \t]*(.*)$")
    if title then
      current = profiles[trim(title)] or {}
      profiles[trim(title)] = current
    elseif name and current then
      if not NAMES[name] then failure.raise("usage", "%s:%d: a profile has no '%s'", path, number, name) end
      current[name] = value
    elseif line ~= "" and not line:find "^[#;]" then
      failure.raise("usage", "%s:%d: expected [profile] or name = value", path, number)
    end
  end
  return profiles
end

--- Reads a profile.
-- Raises a failure: the file can be read by others, or cannot be read; there is no such profile.
-- @tparam ?string wanted its name; nil: `default`, where there is one
-- @treturn table name → value; empty where there is no default profile
function config.profile(wanted)
  local path = config.path()
  local text, problem = read_file(path)
  if not text then
    if wanted then failure.raise("auth", "profile '%s': cannot read the file: %s", wanted, problem) end
    return {}
  end
  if core.program.is_private(path) == false then
    failure.raise("auth", "%s: other users can read this file, which holds keys: chmod 600 it", path)
  end
  local profiles = parse(text, path)
  if wanted and not profiles[wanted] then
    failure.raise("auth", "profile '%s': %s has none of that name", wanted, path)
  end
  return profiles[wanted or "default"] or {}
end

local function is_set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= ""
end

-- The profile that counts, by what the arguments and the environment say.
local function profile_for(args)
  if args.profile then return config.profile(args.profile) end
  if args.key_file or is_set "TIMEKIT_APP_KEY" or is_set "TIMEKIT_RESOURCE_KEY" then return {} end
  return config.profile()
end

--- What the arguments, the environment and the profiles say about the account.
-- Raises a failure for a file that cannot be read.
-- @tparam table args the program's options
-- @treturn table options of `timekit.new`, and `webhook_secret`; the module takes the rest from the environment
function config.account(args)
  local account = {}
  for name, value in pairs(profile_for(args)) do account[name] = value end
  if args.key_file then
    account.app_key = config.secret(args.key_file, "--key-file")
    account.resource_email, account.resource_key, account.app = nil, nil, nil
  end
  -- What stands in the environment was set for this shell; a profile asked for by its name was asked for now.
  if args.base_url then account.base_url = args.base_url end
  return account
end

return config
