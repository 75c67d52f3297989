# Weaknesses that show in exit codes: damaged tables (24), two SoCs (25), one run for all faults (30),
# lenient mode (33).
set -u
data=../data/weaknesses
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0

# expect CODE ARGS...: the program ends with CODE.
expect() {
  local code=$1
  shift
  "$SNAPGAUGE" check "$@" >"$scratch/out" 2>"$scratch/err"
  local got=$?
  if [ $got -ne "$code" ]; then
    echo "check $*: exit code $got instead of $code"
    cat "$scratch/out" "$scratch/err"
    failed=1
  fi
}

good=$data/25-two-socs.good.sgraph.json
printf 'damaged' >"$scratch/damaged.db"
expect 2 --db "$scratch/damaged.db" "$good"
expect 2 --db "$scratch/damaged.db" --warn "$good"
expect 2 --db "$scratch/missing.db" "$good"
grep -q accepted "$scratch/out" && { echo "a run without tables accepts"; failed=1; }

expect 1 --soc SM8350 "$good"
expect 0 --soc SM8750 "$good"

expect 1 --output-format json "$data/30-five-bad-nodes.bad.sgraph.json"
codes=$(grep -o '"code": *"SG[0-9]*"' "$scratch/out" | grep -o 'SG[0-9]*' | sort | tr '\n' ' ')
for code in SG102 SG103 SG204 SG301 SG401; do
  case $codes in *$code*) ;; *) echo "one run does not report $code: $codes"; failed=1 ;; esac
done

expect 0 --warn "$data/30-five-bad-nodes.bad.sgraph.json"
expect 1 "$data/33-two-bits-per-tensor.bad.sgraph.json"
expect 0 --warn "$data/33-two-bits-per-tensor.bad.sgraph.json"

exit $failed
