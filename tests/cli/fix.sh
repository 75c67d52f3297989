#!/usr/bin/env bash
# fix, on real files that are broken on purpose.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/fix.py" "$(realpath "$SNAPGAUGE")" "$here/../data"
