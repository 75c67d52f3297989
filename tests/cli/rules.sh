#!/usr/bin/env bash
# `explain` prints the pages of docs/rules/, `rules list` what was asked for. See rules.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/rules.py
