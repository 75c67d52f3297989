#!/usr/bin/env bash
# quantize and accuracy: what they write, refuse and say.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/quantize.py" "$(realpath "$SNAPGAUGE")" "$here/../data" "$here/../../docs/schema"
