#!/usr/bin/env bash
# lower --emit: the folders for the vendor's tools, what they hold and when there are none.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/handoff.py" "$(realpath "$SNAPGAUGE")" "$here/../data" "$here/../../docs/schema"
