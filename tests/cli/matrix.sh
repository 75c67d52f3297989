#!/usr/bin/env bash
# Every cell of the matrix says what `check` says for that target, and two runs give the same bytes.
set -u
data=../../data
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0
unequal=$scratch/unequal.sgraph.json  # refused for one port against another
sed -n '/^## Bad/,/^```$/p' ../rules/unequal-quantization.md | sed -n '/^```json$/,/^```$/p' | sed '1d' | sed '/^```$/,$d' >"$unequal"
for file in $data/vit_tiny.16a8w.json $data/kws_dscnn.qnn_a8w8.onnx "$unequal"; do
  "$SNAPGAUGE" matrix "$file" --output-format json >"$scratch/1" || failed=1
  "$SNAPGAUGE" matrix "$file" --output-format json >"$scratch/2"
  cmp "$scratch/1" "$scratch/2" || failed=1
  python3 matrix.py "$SNAPGAUGE" "$file" "$scratch/1" || failed=1
done
"$SNAPGAUGE" matrix $data/kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx --pipeline qairt | grep -q 'fix:' || failed=1
"$SNAPGAUGE" matrix missing.onnx 2>/dev/null
[ $? = 2 ] || failed=1
exit $failed
