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

# The same under suppressions and levels; compared FILE OPTION..., each must change the matrix.
compared() {
  local file=$1
  shift
  "$SNAPGAUGE" matrix "$file" --output-format json "$@" >"$scratch/1"
  [ $? -le 1 ] || failed=1
  python3 matrix.py "$SNAPGAUGE" "$file" "$scratch/1" "$@" || failed=1
}
changed() {
  compared "$@"
  "$SNAPGAUGE" matrix "$1" --isolated --output-format json | cmp -s - "$scratch/1" && { echo "unchanged: $*"; failed=1; }
}
entry='"x-snapgauge":{"ignore":[{"code":"SG502","reason":"measured"}]},'
mkdir "$scratch/project"
project=$scratch/project/vit.json
cp $data/vit_tiny.16a8w.json "$project"
cat >"$scratch/project/snapgauge.toml" <<'END'
backend = "gpu"
soc = "SM8350"
[[nodes]]
pattern = "matmul.*"
ignore = ["SG5", "SG1"]
reason = "on the CPU"
END
changed "$project"
"$SNAPGAUGE" matrix "$project" | grep -qF 'yes (6 suppressed)' || failed=1
"$SNAPGAUGE" matrix "$project" --isolated | grep -F 'suppressed' && failed=1
printf '[levels]\nSG502 = "off"\nSG1 = "note"\n' >"$scratch/lowered.toml"
printf 'extend-select = ["SG8"]\n[levels]\nSG8 = "error"\nSG7 = "error"\nSG010 = "error"\n' >"$scratch/raised.toml"
cat "$scratch/raised.toml" "$scratch/project/snapgauge.toml" | sed '/^backend\|^soc/d' >"$scratch/both.toml"
changed $data/vit_tiny.16a8w.json --config "$scratch/both.toml"
printf '{%s' "$entry" | cat - <(sed '1s/^{//' $data/vit_tiny.16a8w.json) >"$scratch/whole.json"
sed "s/{\"name\":\"matmul\",/&$entry/" $data/vit_tiny.16a8w.json >"$scratch/node.json"
compared "$scratch/node.json" --config "$scratch/lowered.toml"
for file in whole node; do
  "$SNAPGAUGE" matrix "$scratch/$file.json" | grep -qF 'suppressed)' || { echo "$file: nothing suppressed"; failed=1; }
done
printf 'soc = 3\n' >"$scratch/bad.toml"
"$SNAPGAUGE" matrix "$project" --config "$scratch/bad.toml" 2>/dev/null
[ $? = 2 ] || failed=1

"$SNAPGAUGE" matrix $data/kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx --pipeline qairt | grep -q 'fix:' || failed=1
"$SNAPGAUGE" matrix missing.onnx 2>/dev/null
[ $? = 2 ] || failed=1
exit $failed
