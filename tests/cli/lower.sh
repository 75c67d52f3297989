#!/usr/bin/env bash
# lower, inspect, sign, verify, and run of artifacts: what they write, refuse and say.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/lower.py" "$(realpath "$SNAPGAUGE")" "$here/../data"
