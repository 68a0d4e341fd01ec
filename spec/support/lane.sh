# Runs one part of a job for suite.lua, beside others: what it prints comes in one piece, once it is over. The first
# argument is a file to lock, the second what it is, `c` or `busted`, the third the command, the others its files.
lock=$1
kind=$2
command=$3
shift 3
printed=$(mktemp)
$command "$@" > "$printed" 2>&1
status=$?
case $kind in
  busted) grep -q '^[0-9]* success.* / .* pending' "$printed" || echo 'busted ended without a summary' >> "$printed";;
  c) [ $status = 0 ] || grep '^not ok ' "$printed" | grep -qv '# SKIP' ||
    echo "not ok - $*: ended with status $status" >> "$printed";;
esac
flock "$lock" cat "$printed"
rm "$printed"
exit $status
