#!/usr/bin/env bash
# Numbers that nobody expects, wherever an operator takes one. See hostile_numbers.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/hostile_numbers.py
