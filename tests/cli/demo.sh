#!/usr/bin/env bash
# What data/demo/README.md says of its files holds.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "$SNAPGAUGE")
cd "$here/../../data/demo" && python3 "$here/demo.py" "$program"
