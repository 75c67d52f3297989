#!/usr/bin/env bash
# What docs/ci.md offers: the pre-commit hook, the GitHub action, the CMake function. See kits.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/kits.py
