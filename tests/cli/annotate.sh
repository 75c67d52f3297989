#!/usr/bin/env bash
# annotate: what it writes, refuses and says.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/annotate.py" "$(realpath "$SNAPGAUGE")" "$here/../data"
