#!/usr/bin/env bash
# Encodings as they are written are what their schemas describe, and the schemas refuse what is not. See encodings.py.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/cli/encodings.py
