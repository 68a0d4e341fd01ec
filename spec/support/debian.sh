#!/bin/sh
# Runs the tests on another Debian, as root and as an ordinary user, side by side:
#   SUITE=sid LUA=lua5.4 NEWER=lua5.5 SPECS=spec SHORT= ARCH= MIRROR= sh spec/support/debian.sh
# The system is a chroot below build/debian, which is kept. The tests see neither this machine's network nor its
# processes. With SHORT everything runs but nginx and chaos. ARCH is an architecture that this machine can execute.
# Where that Debian has the Lua called NEWER, root runs them on that one as well, afterwards.
# Without a mirror that answers nothing can be tested: that is a failure, or with MIRROR=optional it is said and passes.
set -eu
if [ "$(id -u)" != 0 ]; then echo 'make: test-debian is for root' >&2; exit 1; fi
name="$SUITE${ARCH:+-$ARCH}"
logs=$PWD/build/debian/logs/$name
root=$PWD/build/debian/$name
specs=$SPECS
[ -z "${SHORT:-}" ] || specs=$(find $SPECS -name '*_spec.lua' ! -name 'nginx*' ! -name 'chaos*' | sort | tr '\n' ' ')
rm -rf "$logs"
mkdir -p "$logs"

# Runs a command that needs the mirror, and runs it again when the mirror was to blame: it may be away for a moment, or
# between two states. Anything else that fails is for us to mend.
patiently() {
  for pause in 10 30 90 0; do
    "$@" > "$logs/install" 2>&1 && return
    tail -n 20 "$logs/install" >&2
    grep -Eq 'Failed to fetch|Unable to fetch|Could not (resolve|connect)|Mirror sync' "$logs/install" || exit 1
    [ "$pause" = 0 ] || echo "Debian $name: the mirror does not answer as it should; again in $pause seconds" >&2
    sleep "$pause"
  done
  echo "Debian $name: SKIPPED, NOTHING WAS TESTED: the mirror of Debian's packages does not answer (see above)" >&2
  [ "${MIRROR:-}" = optional ] && exit 0
  exit 1
}

# Only the suite itself: a test needs no security updates, and each further archive may be the one that is out of step.
# The lists of sid may be older than their own date allows. What mmdebstrap mounts is this machine's own: in a namespace
# it goes away even if mmdebstrap is killed, and what is removed next time is the chroot alone.
bootstrap() {
  rm -rf --one-file-system "$root"
  unshare --mount --pid --fork --kill-child --mount-proc \
    mmdebstrap --variant=minbase --include=make,git,ca-certificates ${ARCH:+--architectures="$ARCH"} \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
    "$SUITE" "$root" "deb http://deb.debian.org/debian $SUITE main"
}

if [ ! -e "$root/ready" ]; then
  echo "Debian $name: a new chroot"
  patiently bootstrap
  chroot "$root" useradd --create-home tester
  touch "$root/ready"
fi

# An ordinary user's folder may have any name.
for folder in /root/timekit '/home/tester/ein Prüfstand'; do
  rm -rf --one-file-system "$root$folder"
  mkdir -p "$root$folder"
  git ls-files -co --exclude-standard -z | xargs -0 cp --parents -p -t "$root$folder"
done
cat > "$root/test.sh" <<'END'
set -eu
step=$1 lua=$2 specs=$3 newer=$4
[ -d .git ] || git init -q

case $step in
  (install)
    dpkg --configure -a # in case the last time was broken off
    make -s deps-run deps-test LUA="$lua"
    case $(apt-cache policy ${newer:+"$newer"}) in
      (*'Candidate: '[!\(]*) make -s deps-run deps-test LUA="$newer";;
      (*) newer=;;
    esac
    for each in "$lua" $newer; do sh spec/support/debian_modules.sh "$each"; done
    ;;
  (run_and_test)
    make -s run LUA="$lua"
    make -s test LUA="$lua" SPECS="$specs"
    ;;
  (test) make -s test LUA="$lua" SPECS="$specs";;
  (test_newer) make -s test LUA="$newer" SPECS="$specs";;
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
  exec unshare --mount --pid --fork --kill-child $own sh -c '
    set -eu
    root=$1 network=$2
    shift 2
    mount --bind "$root" "$root" # so that a spec may change mounts again
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    [ "$network" = shared ] || ip link set lo up
    # Not by exec: whoever becomes an ordinary user is no longer ended along with unshare.
    chroot "$root" sh /step.sh "$@"
    exit
  ' sh "$root" "$@" "$LUA" "$specs" "$NEWER"
}

install() { (within shared root /root/timekit install); }

echo "Debian $name: installing what the tests need"
patiently install
echo "Debian $name: make run and make test as root, make test as an ordinary user; they write to build/debian/logs"
within alone tester '/home/tester/ein Prüfstand' test > "$logs/user" 2>&1 &
user_run=$!
within alone root /root/timekit run_and_test > "$logs/root" 2>&1 &
root_run=$!
# unshare itself ignores SIGTERM.
trap 'kill -KILL "$root_run" "$user_run" 2>/dev/null || true' EXIT
trap 'exit 1' HUP INT TERM
wait "$root_run" && of_root=0 || of_root=1
wait "$user_run" && of_user=0 || of_user=1
of_newer=0
if [ -n "$NEWER" ] && [ -e "$root/usr/bin/$NEWER" ]; then
  within alone root /root/timekit test_newer > "$logs/root-$NEWER" 2>&1 &
  root_run=$!
  wait "$root_run" || of_newer=1
fi
[ "$of_root" = 0 ] || cat "$logs/root"
[ "$of_user" = 0 ] || cat "$logs/user"
[ "$of_newer" = 0 ] || cat "$logs/root-$NEWER"
for log in "$logs"/root* "$logs/user"; do echo "${log##*/}: $(grep ' passed, ' "$log" | tail -n 1)"; done
exit $((of_root + of_user + of_newer))
