#!/usr/bin/env bash
# Nodes that one op is made of are taken as that op, and near misses are not. See patterns.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/patterns.py
