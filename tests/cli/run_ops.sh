#!/usr/bin/env bash
# Each op that the host executes as several steps, or by indices, beside its definition. See run_ops.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/run_ops.py
