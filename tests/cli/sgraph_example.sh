#!/usr/bin/env bash
# The example in docs/sgraph.md is data/small.sgraph.json, and what data/README.md says of its files holds.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
failed=0

# expect CODE ARGUMENTS...: exit code of snapgauge check.
expect() {
  local wanted=$1 code=0 output
  shift
  output=$("$SNAPGAUGE" check "$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] && return
  printf '%s\nexit code %s, not %s: check %s\n' "$output" "$code" "$wanted" "$*"
  failed=1
}

sed -n '/^```json$/,/^```$/p' "$root/docs/sgraph.md" | sed '1d;$d' | diff - "$root/data/small.sgraph.json" || failed=1
expect 0 "$root/data/small.sgraph.json"
expect 0 "$root/data/vit_tiny.16a8w.json" --soc SM8750
expect 1 "$root/data/vit_tiny.16a8w.json" --soc SM8350
expect 1 "$root/data/vit_tiny.16a8w.json" --soc QCM6490
expect 0 "$root/data/kws_dscnn.qnn_a8w8.onnx"
expect 0 "$root/data/kws_dscnn.u8s8_pc.onnx"
expect 1 "$root/data/kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx"
exit "$failed"
