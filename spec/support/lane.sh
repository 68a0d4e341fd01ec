# Runs one part of a busted job for suite.lua, beside others: what it prints comes in one piece, once it is over. The
# first argument is a file to lock, the second the command, the others its files.
lock=$1
command=$2
shift 2
printed=$(mktemp)
$command "$@" > "$printed" 2>&1
status=$?
grep -q '^[0-9]* success.* / .* pending' "$printed" || echo 'busted ended without a summary' >> "$printed"
flock "$lock" cat "$printed"
rm "$printed"
exit $status
