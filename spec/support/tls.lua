--- Makes certificates for one run of the specs, with luaossl: a CA that clients can be told to trust,
-- and server certificates of which only one is good.
local bignum = require "openssl.bignum"
local pkey = require "openssl.pkey"
local rand = require "openssl.rand"
local x509 = require "openssl.x509"
local altname = require "openssl.x509.altname"
local x509_name = require "openssl.x509.name"

local tls = {}

local DAY = 24 * 3600

local function named(common_name)
  return x509_name.new():add("CN", common_name)
end

local function names_of(hosts)
  local names = altname.new()
  for _, host in ipairs(hosts) do
    names:add(host:find("^[%d.:]+$") and "IP" or "DNS", host)
  end
  return names
end

local function certificate(key, common_name, hosts, first_day, last_day)
  local cert = x509.new()
  local now = os.time()
  cert:setVersion(3)
  cert:setSerial(bignum.fromBinary(rand.bytes(15)))
  cert:setSubject(named(common_name))
  cert:setLifetime(now + first_day * DAY, now + last_day * DAY)
  cert:setPublicKey(key)
  if hosts then cert:setSubjectAlt(names_of(hosts)) end
  return cert
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function new_key()
  return pkey.new { type = "EC", curve = "prime256v1" }
end

local function new_ca(common_name)
  local key = new_key()
  local cert = certificate(key, common_name, nil, -2, 30)
  cert:setIssuer(named(common_name))
  cert:setBasicConstraints { CA = true, pathLen = 0 }
  cert:setBasicConstraintsCritical(true)
  cert:sign(key)
  return { key = key, cert = cert }
end

local LOCAL = { "localhost", "127.0.0.1", "::1" }

-- What each certificate is about; `own` is signed by itself, `other` by the CA that signed nothing else.
local SERVERS = {
  good = { hosts = LOCAL, first = -2, last = 30 },
  wrong_host = { hosts = { "elsewhere.example" }, first = -2, last = 30 },
  expired = { hosts = LOCAL, first = -20, last = -10 },
  self_signed = { hosts = LOCAL, first = -2, last = 30, own = true },
  by_other = { hosts = LOCAL, first = -2, last = 30, other = true },
  client = { first = -2, last = 30 },
}

--- Writes PEM files into `directory`: `ca.pem`, `other_ca.pem` (a CA that signed `by_other` alone), and
-- `<name>.pem` with `<name>.key` for `good`, `wrong_host`, `expired`, `self_signed`, `by_other` and `client`.
-- @tparam string directory an existing directory
-- @treturn {string,...} the names of all files written
function tls.write(directory)
  local files = {}
  local function put(name, text)
    write(directory .. "/" .. name, text)
    files[#files + 1] = name
  end
  local ca = new_ca("timekit test CA")
  put("ca.pem", ca.cert:toPEM())
  local other = new_ca("another CA")
  put("other_ca.pem", other.cert:toPEM())
  for name, about in pairs(SERVERS) do
    local key = new_key()
    local cert = certificate(key, name, about.hosts, about.first, about.last)
    local signer = about.other and other or ca
    cert:setIssuer(about.own and named(name) or signer.cert:getSubject())
    cert:sign(about.own and key or signer.key)
    put(name .. ".pem", cert:toPEM())
    put(name .. ".key", key:toPEM("private"))
  end
  return files
end

return tls
