#!/usr/bin/env bash
# An op that becomes several has the verdict that they have when they are written out. See twins.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/twins.py "$@"
