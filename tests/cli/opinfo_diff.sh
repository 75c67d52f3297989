#!/usr/bin/env bash
# snapgauge opinfo diff: text and JSON, models, errors, colour, and the example of docs/opinfo-diff.md.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
: "${SNAPGAUGE:?must name the program}"
failed=0
unset NO_COLOR CLICOLOR_FORCE
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# expect CODE ARGUMENTS...: exit code; the output is left in $output.
expect() {
  local wanted=$1 code=0
  shift
  output=$("$SNAPGAUGE" opinfo diff "$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] && return
  printf '%s\nexit code %s, not %s: opinfo diff %s\n' "$output" "$code" "$wanted" "$*"
  failed=1
}

# says WORDS / lacks WORDS: about the last output.
says() { grep -qF -- "$1" <<<"$output" || { printf '%s\nlacks: %s\n' "$output" "$1"; failed=1; }; }
lacks() { ! grep -qF -- "$1" <<<"$output" || { printf '%s\nhas: %s\n' "$output" "$1"; failed=1; }; }

# json PYTHON: the last output parses and the assertion about `d` holds.
json() {
  python3 -c 'import json, sys; d = json.load(sys.stdin); assert eval(sys.argv[1]), sys.argv[1]' "$1" <<<"$output" ||
    failed=1
}

# Nothing differs.
for versions in "2.25 2.25.0" "latest latest" "2.13.0 2.14.0"; do
  expect 0 $versions
  says "nothing differs in "
done
expect 0 latest latest --output-format json
json 'd["ops"] == [] and d["summary"]["changed"] == 0 and d["summary"]["compared"] == d["old"]["ops"]'

# Tables of one's own, with every kind of difference.
mkdir -p "$scratch/own/2.20.0" "$scratch/own/2.25.0" "$scratch/own/overlays"
cat >"$scratch/own/2.20.0/htp.json" <<'END'
{"format":1, "backend":"HTP", "sdk_version":"2.20.0", "dtype_rows":"joint", "ops":{
  "Gone":{"columns":["in[0]"], "variants":[{"config":"A", "dtypes":{"in[0]":"INT_32"}}], "constraints":[]},
  "Kept":{"columns":["in[0]","out[0]"],
    "variants":[{"config":"A", "dtypes":{"in[0]":"INT_32", "out[0]":"INT_32"}},
                {"config":"B", "dtypes":{"in[0]":"FLOAT_32", "out[0]":"FLOAT_32"}}],
    "constraints":[{"config":["A"], "port":"in[0]", "kind":"rank", "max":4},
                   {"config":["B"], "port":"in[0]", "kind":"rank", "max":4},
                   {"config":["A"], "port":"in[0]", "kind":"static"}]}}}
END
cat >"$scratch/own/2.25.0/htp.json" <<'END'
{"format":1, "backend":"HTP", "sdk_version":"2.25.0", "dtype_rows":"joint", "ops":{
  "New":{"columns":["in[0]"], "variants":[{"config":"A", "dtypes":{"in[0]":"INT_32"}}], "constraints":[]},
  "Kept":{"columns":["out[0]","in[0]"],
    "variants":[{"config":"B", "dtypes":{"in[0]":"FLOAT_32", "out[0]":"FLOAT_32"}},
                {"config":"A", "dtypes":{"in[0]":"INT_32", "out[0]":"INT_32"}}],
    "constraints":[{"config":["A"], "port":"in[0]", "kind":"static"},
                   {"config":["All"], "port":"in[0]", "kind":"rank", "max":4}]}}}
END
cat >"$scratch/own/overlays/o.json" <<'END'
{"format":"opinfo-overlay/1", "rows":[
  {"backends":["htp"], "ops":["Kept"], "since":"2.30.0", "until":"2.40.0", "source":{"document":"Somebody", "sdk":"2.30.0"},
   "strength":"doubtful", "effect":"supersedes", "constraints":[{"config":["A"], "port":"in[0]", "kind":"static"}]},
  {"backends":["htp"], "ops":["Kept"], "since":"2.35.0", "source":{"document":"Somebody", "sdk":"2.35.0"},
   "constraints":[{"port":"in[0]", "kind":"rank", "max":5}], "dtype_rows":"joint", "columns":["in[0]","out[0]"],
   "variants":[{"config":"B", "dtypes":{"in[0]":"FLOAT_16", "out[0]":"FLOAT_16"}}]}]}
END
own=(--opinfo "$scratch/own")
expect 0 2.20.0 2.25.0 "${own[@]}"
says "Gone: removed, 1 datatype row and 0 constraints"
says "New: added, 1 datatype row and 0 constraints"
lacks "Kept"
says "2 of 3 ops differ: 1 added, 1 removed, 0 changed"
expect 0 2.25.0 2.30.0 "${own[@]}"
says "changed  in[0]      static               A              {}  [HTP op definition, Kept"
says "->  in[0]      static               A              {}  (doubtful)  [Somebody, SDK 2.30.0]"
says "1 of 2 ops differs: 0 added, 0 removed, 1 changed"
expect 0 2.30.0 latest "${own[@]}"
says 'changed  in[0]      rank                 All            {"max":4}  [HTP op definition, Kept'
says '->  in[0]      rank                 All            {"max":5}  [Somebody, SDK 2.35.0]'
says "added  B         out[0] FLOAT_16  in[0] FLOAT_16  [Somebody]"
says "(doubtful)"  # until 2.40.0
expect 0 latest 2.30.0 "${own[@]}"
says "removed  B         out[0] FLOAT_16  in[0] FLOAT_16  [Somebody]"
expect 0 2.20.0 latest "${own[@]}" --output-format json
json 'd["schema"] == "snapgauge-opinfo-diff/1" and [o["op"] for o in d["ops"]] == ["Gone", "Kept", "New"]'
json '[o["change"] for o in d["ops"]] == ["removed", "changed", "added"] and d["old"]["ops"] == d["new"]["ops"] == 2'
json 'd["ops"][1]["constraints"][0]["new"]["body"] == {"max": 5} and d["ops"][1]["constraints"][0]["old"]["configs"] == []'
json 'd["ops"][1]["variants"][0]["new"]["dtypes"]["in[0]"] == ["FLOAT_16"] and d["models"] == []'

# A model: its ops only, and each node that is judged otherwise, as `check` judges it.
vit=data/vit_tiny.16a8w.json
expect 0 2.13.0 2.25.0 $vit data/small.sgraph.json --soc SM8350 --output-format json
json 'set(o["op"] for o in d["ops"]) <= set(d["models"][0]["ops_used"] + d["models"][1]["ops_used"])'
printf '%s' "$output" >"$scratch/diff.json"
for sdk in 2.13.0 2.25.0; do
  "$SNAPGAUGE" check $vit --soc SM8350 --sdk $sdk --isolated --output-format json >"$scratch/$sdk.json"
done
python3 - "$scratch" <<'END' || failed=1
import json, sys
diff, old, new = (json.load(open(f"{sys.argv[1]}/{name}.json")) for name in ("diff", "2.13.0", "2.25.0"))
model, old, new = diff["models"][0], old["files"][0], new["files"][0]
wanted = {a["name"]: (a["verdict"], b["verdict"]) for a, b in zip(old["nodes"], new["nodes"]) if a["verdict"] != b["verdict"]}
assert wanted and {n["name"]: (n["old"]["verdict"], n["new"]["verdict"]) for n in model["nodes"]} == wanted, model["nodes"]
assert model["verdict"] == {"old": old["verdict"], "new": new["verdict"]}
assert model["node_count"] == len(new["nodes"])
assert all(n[side]["reason"] for n in model["nodes"] for side in ("old", "new") if n[side]["verdict"] != "accepted")
END
expect 0 2.13.0 2.25.0 $vit --soc SM8350 --op MatMul
says "another verdict for 6 of 81 nodes, 12 ops used"
says "MatMul: accepted -> rejected, 6 nodes: matmul, matmul_1"
says "SDK 2.25.0: in[1]: 16-bit activations with 16-bit weights in MatMul need HTP V73"
lacks "LayerNorm"
expect 0 latest latest $vit
says "the same verdict for 81 nodes"
says "nothing differs in 12 ops used"

# Wrong usage and files that cannot be read: one line each.
refuses() {
  local words=$1
  shift
  expect 2 "$@"
  says "$words"
  [ "$(wc -l <<<"$output")" = 1 ] || { printf '%s\nmore than one line\n' "$output"; failed=1; }
}
refuses "SDK version '2.x' is not known; known: latest and any version from 2.13.0 on; pages of 2.13.0, 2.25.0" 2.x latest
refuses "SDK version '$vit' is not known" 2.25.0 $vit
refuses "no table of htp in SDK 2.10.0; known: latest" latest 2.10.0
refuses "no table of lpai in SDK 2.13.0; known: latest and any version from 2.25.0 on" 2.13.0 latest --backend lpai
refuses "htp has no op 'Conv' in SDK 2.13.0 or latest; did you mean Conv2d" 2.13.0 latest --op Conv
refuses "backend 'npu' is not known" 2.13.0 latest --backend npu
refuses "no-such.onnx: cannot open" 2.13.0 latest no-such.onnx
refuses "name one with --pipeline" 2.13.0 latest $vit data/kws_dscnn.u8s8_pc.onnx
expect 0 2.25.0 latest $vit data/kws_dscnn.u8s8_pc.onnx --pipeline qairt
expect 2 2.13.0
expect 2 2.13.0 latest --output-format xml

expect 0 2.25.0 latest --color always
says $'\e['
NO_COLOR=1 expect 0 2.25.0 latest
lacks $'\e['
NO_COLOR=1 CLICOLOR_FORCE=1 expect 0 2.25.0 latest
lacks $'\e['
CLICOLOR_FORCE=1 expect 0 2.25.0 latest --output-format json
lacks $'\e['

# The example: the command after "$ snapgauge", then what it prints.
example=$(sed -n '/^```console$/,/^```$/p' docs/opinfo-diff.md | sed '1d;$d')
command=$(sed -n '1s/^\$ snapgauge opinfo diff //p' <<<"$example")
eval "expect 0 $command"
[ "$(sed 1d <<<"$example")" = "$output" ] || { diff <(sed 1d <<<"$example") <(echo "$output"); failed=1; }
exit $failed
