#!/usr/bin/env bash
# docs/supported-ops/ lists the ops and datatypes that the program's database has. See supported_ops.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/supported_ops.py
