--- Programs for which the system trusts other authorities than it does, in a mount namespace of their own. Nothing
-- outside sees it.
local shell = require "spec.support.shell"

local private_trust = {}

--- Why it cannot be done here; nil: it can.
function private_trust.problem()
  if shell.must("id -u"):match("%d+") ~= "0" then return "only root can give the system other certificates to trust" end
  if not shell.run("unshare -m true") then return "unshare -m does not work here" end
  if not shell.run("test -d /etc/ssl/certs") then return "there is no /etc/ssl/certs" end
end

-- $1 is the private folder, $2 what to run.
local SCRIPT = [[
unshare -m sh -c 'mount --make-rprivate / && mount --bind "$0" /etc/ssl/certs && exec sh -c "$1"' %s %s]]

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- A copy of what the system trusts, with a further authority: `bundle` in the bundle, `folder` in the hashed folder.
-- @tparam string ca_file
-- @tparam table where `bundle`, `folder`
-- @treturn function(command): `shell.run` with that trust
-- @treturn function that removes the copy
function private_trust.new(ca_file, where)
  local folder = shell.must("mktemp -d"):match("%S+")
  shell.must(("chmod 755 %s; cp -a /etc/ssl/certs/. %s"):format(folder, folder))
  if where.bundle then
    shell.must(("cat %s >> %s/ca-certificates.crt"):format(ca_file, folder))
  end
  if where.folder then
    shell.must(("cp %s %s/timekit.pem; ln -s timekit.pem %s/$(openssl x509 -hash -noout -in %s).0"):format(
      ca_file, folder, folder, ca_file))
  end
  return function(command)
    return shell.run("env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR "
      .. SCRIPT:format(quoted(folder), quoted(command)))
  end, function() shell.must("rm -rf " .. folder) end
end

return private_trust
