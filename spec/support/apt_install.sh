#!/bin/sh
# Installs Debian packages, as root. Of a package that brings a service, nginx, the tests want the program only: the
# service is neither started now nor at the next boot. Nothing that is installed already is removed for it.
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove "$@"
case " $* " in
  *' nginx '*)
    update-rc.d nginx disable
    # Where the machine has a policy of its own, and it let the service start.
    invoke-rc.d --quiet nginx stop || true
    ;;
esac
