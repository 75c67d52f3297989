#!/usr/bin/env bash
# docs/first-steps.md is what really happens.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/first_steps.py
