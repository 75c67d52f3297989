#!/usr/bin/env bash
# `run`: outputs as files, comparison, refusals, and one clear error for each mistake.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=$(cd ../data/runs && pwd)
model=$runs/espcn.qnn_a8w8.onnx

expect() { # CODE TEXT ARGUMENTS...
  local code=$1 text=$2
  shift 2
  set +e
  "$SNAPGAUGE" "$@" >"$work/out" 2>&1
  local got=$?
  set -e
  if [ "$got" != "$code" ] || ! grep -qF -- "$text" "$work/out"; then
    echo "expected exit $code and '$text', got $got of $*:"
    cat "$work/out"
    exit 1
  fi
}

expect 0 "out float32 [1, 1, 48, 48] -> $work/o/out.npy" run "$model" --input "luma=$runs/espcn.qnn_a8w8.in.luma.npy" --output-dir "$work/o"
cmp "$work/o/out.npy" "$runs/espcn.qnn_a8w8.out.out.npy"
expect 0 "float32" run "$model" --input "$runs/espcn.qnn_a8w8.in.luma.npy"
expect 0 "equal: within" run "$model" --compare "$runs/espcn.qnn_a8w8.golden.json"
expect 0 "convolution kernel [5, 5]" run "$model" --plan

# The same seed, the same bytes.
expect 0 "" run "$model" --random 5 --output-dir "$work/a"
expect 0 "" run "$model" --random 5 --output-dir "$work/b"
expect 0 "" run "$model" --random 6 --output-dir "$work/c"
cmp "$work/a/out.npy" "$work/b/out.npy"
if cmp -s "$work/a/out.npy" "$work/c/out.npy"; then echo "another seed gave the same bytes"; exit 1; fi

# Another input than the golden's own is not within its bounds.
sed 's/espcn.qnn_a8w8.in.luma.npy/other.npy/' "$runs/espcn.qnn_a8w8.golden.json" >"$work/g.json"
cp "$runs/espcn.qnn_a8w8.out.out.npy" "$work/"
{ head -c 128 "$runs/espcn.qnn_a8w8.in.luma.npy"; head -c 1024 /dev/zero; } >"$work/other.npy"
expect 1 "equal: NOT WITHIN" run "$model" --compare "$work/g.json"

expect 1 "SG402" run ../data/defects/squeezenet.u8s8_pc.bad_nan_scale.onnx --random 1
# The configuration that holds for a check holds here: its target, and what it suppresses with a reason.
mkdir "$work/project"
cp "$model" "$work/project/m.onnx"
echo 'soc = "SM1"' >"$work/project/snapgauge.toml"
expect 2 "SM1" run "$work/project/m.onnx" --random 1
expect 0 "out float32" run "$work/project/m.onnx" --random 1 --isolated
expect 0 "out float32" run "$work/project/m.onnx" --random 1 --soc SM8650
expect 2 "SM1" bench "$work/project/m.onnx" --runs 1

expect 2 "nothing is given for 'luma'" run "$model"
expect 2 "the model has no input 'x'; it has luma" run "$model" --input "x=$runs/espcn.qnn_a8w8.in.luma.npy" --input "luma=$runs/espcn.qnn_a8w8.in.luma.npy"
expect 2 "is a second file for 'luma'" run "$model" --input "luma=$runs/espcn.qnn_a8w8.in.luma.npy" --input "luma=$runs/espcn.qnn_a8w8.in.luma.npy"
expect 2 "is float32 [1, 8, 64], the input 'luma' is float32 [1, 1, 16, 16]" run "$model" --input "$runs/gated_mlp.float.in.x.npy"
expect 2 "cannot open" run "$model" --input "$work/none.npy"
expect 2 "not a NumPy array" run "$model" --input "$model"
echo '{}' >"$work/none.json"
expect 2 "names no outputs" run "$model" --compare "$work/none.json"
echo '{"inputs":[{"name":"luma","file":"../x.npy"}],"outputs":[]}' >"$work/up.json"
expect 2 'without "name" and "file"' run "$model" --compare "$work/up.json"
expect 2 "excludes" run "$model" --random 1 --compare "$runs/espcn.qnn_a8w8.golden.json"
expect 2 "" run "$model" --input "$runs/espcn.qnn_a8w8.in.luma.npy" --output-dir "$model/x"

# Sets of inputs: the same files whatever the number of threads, paths from the list's folder, the first fault told.
luma=espcn.qnn_a8w8.in.luma.npy
mkdir "$work/list"
cp "$runs/$luma" "$work/list/x.npy"
{ echo '# sets'; echo; echo 'luma=x.npy'; echo "luma:=$runs/$luma  "; for _ in 1 2 3 4 5; do echo x.npy; done; } >"$work/list/sets.txt"
expect 0 "$work/many/6/out.npy" run "$model" --inputs "$work/list/sets.txt" --threads 3 --output-dir "$work/many"
expect 0 '"sets":[{"outputs":[{"name":"out"' run "$model" --inputs "$work/list/sets.txt" --output-format json
for i in 0 1 2 3 4 5 6; do cmp "$work/many/$i/out.npy" "$runs/espcn.qnn_a8w8.out.out.npy"; done
echo none.npy >>"$work/list/sets.txt"
expect 2 "$work/list/none.npy: cannot open" run "$model" --inputs "$work/list/sets.txt" --threads 2
: >"$work/list/empty.txt"
expect 2 "names no inputs" run "$model" --inputs "$work/list/empty.txt"
expect 2 "requires --inputs" run "$model" --random 1 --threads 2
expect 2 "excludes" run "$model" --random 1 --inputs "$work/list/sets.txt"

# Step by step beside the exact result.
expect 0 "every value is within its bound" run "$model" --compare "$runs/espcn.qnn_a8w8.golden.json" --dump-intermediates "$work/layers"
[ "$(find "$work/layers" -name '*.npy' | wc -l)" = "$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["layers"]))' "$work/layers/index.json")" ]
expect 0 '"sqnr_db":' run "$model" --random 1 --dump-intermediates "$work/layers" --output-format json
expect 2 "cannot make the folder" run "$model" --random 1 --dump-intermediates "$model/x"

expect 0 "convolution" run "$model" --random 1 --profile
expect 0 "" run "$model" --random 1 --trace "$work/trace.json"
python3 - "$work/trace.json" <<'END'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
ends = [e["ts"] + e["dur"] for e in events]
assert events and all(e["ph"] == "X" and e["dur"] >= 0 for e in events)
assert all(abs(a - e["ts"]) < 1e-3 for a, e in zip(ends, events[1:])), "steps follow each other"
END
expect 2 "is read by this run" run "$model" --random 1 --trace "$model"
expect 0 "of 3 runs" bench "$model" --runs 3
expect 0 '"schema":"snapgauge-bench/1"' bench "$model" --runs 2 --output-format json
expect 1 "SG402" bench ../data/defects/squeezenet.u8s8_pc.bad_nan_scale.onnx
