#!/usr/bin/env bash
# Bad input of every kind gets one clear error or finding that names file and place, the exit code of
# the contract (2 unreadable or wrong usage, 1 not accepted), a valid JSON report, and no crash.
set -u
cd "$(dirname "$0")" || exit 2
: "${SNAPGAUGE:?must name the program}"
data=../data/bad
base=$data/base.sgraph.json
onnx=../fuzz/corpus/onnx_fuzz/conv_qdq
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
  echo "FAIL $*"
  failed=1
}

# one FILE EXIT CODE PLACE WORDS: exactly one finding.
one() { python3 bad_input.py one "$@" || failed=1; }

# exits CODE ARGUMENT...: of a run whose report is looked at elsewhere.
exits() {
  local wanted=$1 got
  shift
  timeout 20 "$SNAPGAUGE" check "$@" >"$work/out" 2>"$work/err"
  got=$?
  [ "$got" -eq "$wanted" ] && echo "ok exit $wanted: ${*##*/}" || fail "exit $got, not $wanted: $* $(head -c 300 "$work/err")"
}

# usage WORDS ARGUMENT...: exit code 2, nothing on standard output, WORDS on standard error.
usage() {
  local words=$1
  shift
  exits 2 "$@"
  [ ! -s "$work/out" ] || fail "writes to standard output: $*"
  grep -qF -- "$words" "$work/err" || fail "no '$words' in: $(head -c 300 "$work/err")"
  # An error of ours is one line; the option parser adds a hint to --help.
  [ "$(grep -c . "$work/err")" -le 2 ] || fail "more than one error: $(head -c 600 "$work/err")"
}

# --- the base is fine, and so are harmless differences of the text
exits 0 "$base"
{ printf '\xEF\xBB\xBF'; cat "$base"; } >"$work/bom.sgraph.json"
exits 0 "$work/bom.sgraph.json"
sed 's/$/\r/' "$base" >"$work/crlf.sgraph.json"
exits 0 "$work/crlf.sgraph.json"

# --- one edit each
python3 bad_input.py table "$data/edits.tsv" "$base" "$work" || failed=1

# --- no file, or none of ours
one "$work/missing.onnx" 2 SG001 : "No such file"
mkdir "$work/folder.onnx"
one "$work/folder.onnx" 2 SG001 : "not a regular file"
: >"$work/empty.onnx"
one "$work/empty.onnx" 2 SG001 : "empty"
one /dev/null 2 SG001 : ""
mkfifo "$work/pipe"
one "$work/pipe" 2 SG001 : ""
if [ "$(id -u)" -ne 0 ]; then
  cp "$base" "$work/locked.sgraph.json"
  chmod 000 "$work/locked.sgraph.json"
  one "$work/locked.sgraph.json" 2 SG001 : "ermission"
fi
printf ' \n\t\n' >"$work/blank"
one "$work/blank" 2 SG001 : ""
printf '"snapgauge-graph"\n' >"$work/string.json"
one "$work/string.json" 2 SG001 : ""
printf '{}\n' >"$work/object.json"
one "$work/object.json" 2 SG001 1:1 '"format"'
printf '[]\n' >"$work/list.json"
one "$work/list.json" 2 SG001 1:1 '"format"'
python3 -c 'import sys; sys.stdout.buffer.write(bytes(i * i * 7 % 251 for i in range(5000)))' >"$work/garbage"
one "$work/garbage" 2 SG001 : ""
head -c 100000 /dev/zero >"$work/zeros"
one "$work/zeros" 2 SG001 : ""
{ printf '\x08\x08'; head -c 100000 /dev/zero | tr '\0' '\377'; } >"$work/fields.onnx"
one "$work/fields.onnx" 2 SG001 : ""

# --- text that is no JSON, and bytes that are no text
iconv -f UTF-8 -t UTF-16 "$base" >"$work/utf16.sgraph.json"
one "$work/utf16.sgraph.json" 2 SG001 : ""
sed '7s/"relu"/"re\xFFlu"/' "$base" >"$work/invalid-utf8.sgraph.json"
one "$work/invalid-utf8.sgraph.json" 2 SG001 7: "UTF-8"
sed '7s/"relu"/"re\x01lu"/' "$base" >"$work/control-character.sgraph.json"
one "$work/control-character.sgraph.json" 2 SG001 7: "not valid JSON"
sed '8s/"op":"output"/"op":"outptu"/;s/$/\r/' "$base" >"$work/crlf-broken.sgraph.json"
one "$work/crlf-broken.sgraph.json" 2 SG001 8:23 '"outptu"'
{ cat "$base"; echo '{}'; } >"$work/trailing.sgraph.json"
one "$work/trailing.sgraph.json" 2 SG001 10:1 "after the end"

# --- cut off anywhere
size=$(stat -c %s "$base")
for bytes in 1 2 40 100 300 500 700 $((size - 3)); do
  head -c "$bytes" "$base" >"$work/cut-$bytes.sgraph.json"
  one "$work/cut-$bytes.sgraph.json" 2 SG001 "$(($(head -c "$bytes" "$base" | wc -l) + 1)):" ""
done
size=$(stat -c %s "$onnx")
for bytes in 1 3 30 100 $((size / 2)) $((size - 1)); do
  head -c "$bytes" "$onnx" >"$work/cut-$bytes.onnx"
  one "$work/cut-$bytes.onnx" 2 SG001 : ""
done

# --- too much of something
python3 - "$base" "$work" <<'EOF'
import sys

base, work = open(sys.argv[1]).read(), sys.argv[2]


def edit(name, old, new):
    assert base.count(old) >= 1, old
    with open(f"{work}/{name}.sgraph.json", "w") as f:
        f.write(base.replace(old, new, 1))


relu = base.split("\n")[6]
x = base.split("\n")[5]
deep = 10000
edit("deep-lists", '[{"node":"x"}]', "[" * deep + "]" * deep)
edit("deep-objects", '"kwargs":{}', '"kwargs":' + '{"a":' * deep + "1" + "}" * deep)
edit("deep-open", '[{"node":"x"}]', "[" * 1000000)
edit("deep-arguments", '[{"node":"x"}]', "[" * 100 + "]" * 100)
edit("long-name", '"name":"x"', '"name":"' + "x" * 1000000 + '"')
edit("huge-rank", '"shape":[1,8],"dtype":"float32"}},\n{"name":"relu"', '"shape":[' + "1," * 999999 + '1],"dtype":"float32"}},\n{"name":"relu"')
edit("many-scales", '"scale":0.5', '"scale":[' + "0.5," * 999999 + "0.5]")
edit("many-duplicates", x, "\n".join([x] * 50000))
edit("many-non-arguments", '[["x",0]]', "[" + '["y",0],' * 20000 + '["x",0]]')
edit("many-arguments", '"kwargs":{}', '"kwargs":{"unread":[' + '{"node":"x"},' * 50000 + '{"node":"x"}]}')
inputs = ",\n".join(x.rstrip(",").replace('"x"', f'"x{i}"') for i in range(50000))
edit("many-inputs", x, inputs + ",\n" + x)
chain = [relu.replace('"name":"relu"', f'"name":"r{i}"').replace('"output":1', '"output":{"shared":"r%d"}' % ((i + 1) % 100000)) for i in range(100000)]
edit("long-circle", relu, "\n".join([relu] + chain))
EOF
one "$work/deep-lists.sgraph.json" 2 SG001 7: "nested deeper than"
one "$work/deep-objects.sgraph.json" 2 SG001 7: "nested deeper than"
one "$work/deep-open.sgraph.json" 2 SG001 7: ""
one "$work/deep-arguments.sgraph.json" 2 SG001 7: "nested too deeply"
one "$work/long-name.sgraph.json" 1 SG005 7: "'x' is used but never defined"
one "$work/huge-rank.sgraph.json" 2 SG001 6: "dimensions"
one "$work/many-scales.sgraph.json" 1 SG404 7: "1000000 scales"
one "$work/long-circle.sgraph.json" 1 SG004 8: "circle"
# Many faults are many findings, but no hang.
exits 1 "$work/many-duplicates.sgraph.json" --output-format json
exits 1 "$work/many-non-arguments.sgraph.json" --output-format json
exits 0 "$work/many-arguments.sgraph.json" --output-format json
exits 0 "$work/many-inputs.sgraph.json" --output-format json

# --- names of things, with near matches
usage "htp" "$base" --backend http
usage "SM8750" "$base" --soc SM875
usage "2.25.0" "$base" --sdk two
usage "ort-qnn" "$base" --pipeline ort-qmn
usage "sarif" "$base" --output-format sarif2
usage "--no-such-option" "$base" --no-such-option
usage "files" --warn
usage "--warn" "$base" --strict --warn
usage "missing.db" "$base" --db "$work/missing.db"
usage "folder.onnx" "$base" --db "$work/folder.onnx"
usage "empty.onnx" "$base" --db "$work/empty.onnx"
usage "garbage" "$base" --db "$work/garbage"
usage "missing-tables" "$base" --opinfo "$work/missing-tables"
usage "object.json" "$base" --opinfo "$work/object.json"
usage "no-such-folder" "$base" --output "$work/no-such-folder/report"

# A damaged database: cut off, and changed in its middle.
db=$(dirname "$SNAPGAUGE")/../share/snapgauge/opinfo.db
if [ -r "$db" ]; then
  head -c 100000 "$db" >"$work/cut.db"
  usage "cut.db" "$base" --db "$work/cut.db"
  cp "$db" "$work/changed.db"
  chmod u+w "$work/changed.db"
  printf 'XXXXXXXXXXXXXXXX' | dd of="$work/changed.db" bs=1 seek=50000 conv=notrunc 2>/dev/null
  usage "changed.db" "$base" --db "$work/changed.db"
fi

# --- batches: every file is processed; 2 beats 1 beats 0; --warn forgives only 1
sed 's/aten.relu.default/aten.relux.default/' "$base" >"$work/unknown.sgraph.json"
sed 's/"scale":0.5/"scale":-1/' "$base" >"$work/rejected.sgraph.json"
exits 1 "$base" "$work/rejected.sgraph.json"
exits 1 "$base" "$work/unknown.sgraph.json"
exits 2 "$work/rejected.sgraph.json" "$work/missing.onnx" "$base"
exits 0 "$work/rejected.sgraph.json" "$work/unknown.sgraph.json" --warn
exits 2 "$work/rejected.sgraph.json" "$work/missing.onnx" --warn
exits 2 "$work/missing.onnx" "$base" "$work/rejected.sgraph.json" --output-format json
python3 - "$work/out" <<'EOF' || fail "not every file of a batch is processed"
import json
import sys

verdicts = [file["verdict"] for file in json.load(open(sys.argv[1]))["files"]]
sys.exit(verdicts != ["unreadable", "accepted", "rejected"])
EOF

[ "$failed" -eq 0 ] && echo "all as it should be"
exit "$failed"
