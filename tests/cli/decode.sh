#!/usr/bin/env bash
# snapgauge decode: exit codes, standard input, colour, a model, and the example of docs/decode.md.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
: "${SNAPGAUGE:?must name the program}"
logs=tests/data/decode
failed=0
unset NO_COLOR CLICOLOR_FORCE

# expect CODE ARGUMENTS...: exit code; the output is left in $output.
expect() {
  local wanted=$1 code=0
  shift
  output=$("$SNAPGAUGE" decode "$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] && return
  printf '%s\nexit code %s, not %s: decode %s\n' "$output" "$code" "$wanted" "$*"
  failed=1
}

# says WORDS / lacks WORDS: about the last output.
says() { grep -qF -- "$1" <<<"$output" || { printf '%s\nlacks: %s\n' "$output" "$1"; failed=1; }; }
lacks() { ! grep -qF -- "$1" <<<"$output" || { printf '%s\nhas: %s\n' "$output" "$1"; failed=1; }; }

expect 0 $logs/02-executorch-17296.log
says "SG503 arch-gate"
expect 1 --line "all is well"
says "nothing recognized in 1 line"
expect 1 - </dev/null
expect 0 - <$logs/15-executorch-1182.log
says "-:1  node aten_slice_copy_tensor, op StridedSlice"
# As PowerShell writes it, and cut in the middle of a character; the message is the same.
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
plain=$logs/02-executorch-17296.log
for encoding in utf-16-le utf-16-be; do
  python3 -c 'import sys; sys.stdout.buffer.write(("\ufeff" + sys.stdin.read().replace("\n", "\r\n")).encode(sys.argv[1]))' \
    $encoding <$plain >"$scratch/$encoding"
  expect 0 $plain
  wanted=${output//$plain/-}
  expect 0 - <"$scratch/$encoding"
  [ "$output" = "$wanted" ] || { diff <(echo "$wanted") <(echo "$output"); failed=1; }
  { cat "$scratch/$encoding"; printf '\xd8'; } >"$scratch/cut"
  expect 0 "$scratch/cut"
  says "SG503 arch-gate"
done

expect 0 --line 0xc26
says "3110 = 0xc26 QNN_OP_PACKAGE_ERROR_VALIDATION_FAILURE"
expect 2 no-such.log
expect 2 $logs
expect 2 $logs/02-executorch-17296.log --line 3110
expect 2 --line 3110 --model no-such.onnx
expect 2 --line 3110 --model data/small.sgraph.json --soc SM1
expect 2 --line 3110 --output-format xml

expect 0 --line 3110 --color always
says $'\e['
NO_COLOR=1 expect 0 --line 3110
lacks $'\e['

expect 0 --line 3110 --output-format json
python3 -c 'import json, sys; assert json.load(sys.stdin)["messages"][0]["codes"][0]["hex"] == "0xc26"' <<<"$output" ||
  failed=1

vit=data/vit_tiny.16a8w.json
expect 0 $logs/02-executorch-17296.log --model $vit --soc SM8350
says "6 nodes by rule: matmul"
expect 0 $logs/02-executorch-17296.log --model $vit --soc SM8750
says "the model fits this target"
expect 0 --line "Failed to create device: 14001" --model $vit
says "look at the device, not the model"
expect 0 --line "Failed to validate op aten_matmul_default_2 with error 0xc26" --model $vit --soc SM8350
says "1 node by name: matmul_2 (MatMul, rejected)"

# Each example: the command after "$ snapgauge", then what it prints.
example=$(sed -n '/^```console$/,/^```$/p' docs/decode.md | sed '1d;$d')
command=$(sed -n '1s/^\$ snapgauge decode //p' <<<"$example")
eval "expect 0 $command"
[ "$(sed 1d <<<"$example")" = "$output" ] || { diff <(sed 1d <<<"$example") <(echo "$output"); failed=1; }
exit $failed
