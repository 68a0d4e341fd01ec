#!/bin/sh
# Installs Debian packages, as root. The tests need only the program of a package such as nginx, so its service is
# started neither now nor at the next boot. No installed package is removed. `a/b` installs the first of both that this
# Debian has.
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get update -qq
for package; do
  shift
  for name in $(echo "$package" | tr / ' '); do
    case $(apt-cache policy "$name") in (*'Candidate: '[!\(]*) package=$name; break;; esac
  done
  set -- "$@" "$package"
done
# A machine that has just started may be updating itself: wait until it has.
DEBIAN_FRONTEND=noninteractive \
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends --no-remove "$@"
for service in nginx haproxy prosody redis-server; do
  case " $* " in
    *" $service "*)
      update-rc.d "$service" disable
      # A policy of this machine's own may have let the service start.
      invoke-rc.d --quiet "$service" stop || true
      ;;
  esac
done
