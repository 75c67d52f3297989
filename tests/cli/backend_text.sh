#!/usr/bin/env bash
# The backend's view of whole graphs, as text, against tests/golden/backend/*.txt. The first line of each file
# holds the arguments of `snapgauge show`. After a wanted change: backend_text.sh --update, and read the diff.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
failed=0
count=0
for wanted in tests/golden/backend/*.txt; do
  arguments=$(sed -n '1s/^# //p' "$wanted")
  # shellcheck disable=SC2086
  got=$(printf '# %s\n' "$arguments"; "$SNAPGAUGE" show $arguments --as backend)
  count=$((count + 1))
  if [ "${1:-}" = --update ]; then
    printf '%s\n' "$got" >"$wanted"
  elif ! printf '%s\n' "$got" | diff -u "$wanted" -; then
    echo "differs: $wanted"
    failed=1
  fi
done
[ "$count" -ge 8 ] || { echo "only $count graphs"; exit 1; }
echo "$count graphs"
exit "$failed"
