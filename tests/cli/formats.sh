#!/usr/bin/env bash
# Every output format over shipped graphs, damaged files and hostile names: valid for its readers, the
# same bytes every time, and the same facts as the JSON report. See formats.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")/../.."
exec python3 tests/cli/formats.py
