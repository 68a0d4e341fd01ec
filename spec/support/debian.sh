#!/bin/sh
# Runs the tests on another Debian, as root and as an ordinary user: sh spec/support/debian.sh SUITE LUA [SHORT]
# The system is a chroot below build/debian, which is kept. The tests see neither this machine's network nor its
# processes. With SHORT everything runs but nginx and chaos.
set -eu
suite=$1 lua=$2 short=${3:-}
if [ "$(id -u)" != 0 ]; then echo 'make: test-debian is for root' >&2; exit 1; fi
root=$PWD/build/debian/$suite
if [ ! -e "$root/ready" ]; then
  rm -rf "$root"
  mkdir -p build/debian
  # The lists of sid may be older than their own date allows.
  mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$root"
  chroot "$root" useradd --create-home tester
  touch "$root/ready"
fi

# An ordinary user's folder may have any name.
for folder in /root/timekit '/home/tester/ein Prüfstand'; do
  rm -rf "$root$folder"
  mkdir -p "$root$folder"
  git ls-files -co --exclude-standard -z | xargs -0 cp --parents -p -t "$root$folder"
done
cat > "$root/test.sh" <<'END'
set -eu
step=$1 lua=$2 short=$3
specs=spec
[ -z "$short" ] || specs=$(find spec -name '*_spec.lua' ! -name 'nginx*' ! -name 'chaos*' | sort | tr '\n' ' ')
[ -d .git ] || git init -q
case $step in
  (install) make -s deps-run deps-test LUA="$lua";;
  (run) make -s run LUA="$lua";;
  (test) make -s test LUA="$lua" SPECS="$specs";;
esac
END
cat > "$root/step.sh" <<'END'
set -eu
user=$1 folder=$2
shift 2
cd "$folder"
chown -R "$user" .
exec setpriv --reuid="$user" --regid="$user" --init-groups \
  env -i HOME="$(dirname "$folder")" PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 sh /test.sh "$@"
END

# within NETWORK USER FOLDER STEP: the network is "shared" with this machine, or "alone" the loopback. What is mounted
# goes away with the namespace.
within() {
  own=
  [ "$1" = shared ] || own=--net
  unshare --mount --pid --fork --kill-child $own sh -c '
    set -eu
    root=$1 network=$2
    shift 2
    mount --bind "$root" "$root" # so that a spec may change mounts again
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    [ "$network" = shared ] || ip link set lo up
    exec chroot "$root" sh /step.sh "$@"
  ' sh "$root" "$@" "$lua" "$short"
}

echo "Debian $suite: installing"
within shared root /root/timekit install
failed=0
echo "Debian $suite: make run, make test as root"
within alone root /root/timekit run || failed=1
within alone root /root/timekit test || failed=1
echo "Debian $suite: make test as an ordinary user"
within alone tester '/home/tester/ein Prüfstand' test || failed=1
exit $failed
