#!/usr/bin/env bash
# Configuration, suppressions, baselines and comparison with an old version: what they change, what they
# must not change, and one clear error for every way to get them wrong.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/peace.py
