# Sourced by scripts/test and .ci/run: counts what passed and failed, and says so in the last line.
passed=0
failed=0

# For `trap finish EXIT`: the closing line, and the exit code that goes with it.
finish() {
  if [ $((passed + failed)) -eq 0 ]; then failed=1; fi  # nothing ran
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
}

# step NAME COMMAND...: preparation; counts only when it fails.
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" && return 0
  failed=$((failed + 1))
  echo "FAILED: $name"
  return 1
}

# check NAME COMMAND...: counts as one test.
check() { step "$@" && passed=$((passed + 1)); }

# run_ctest PRESET [CTEST-ARGUMENT...]: adds every test case of a built preset.
run_ctest() {
  local preset=$1 report=$root/build/$1/ctest.xml counts
  shift
  rm -f "$report"
  echo "== test $preset"
  ctest --preset "$preset" -j "$(nproc)" --output-junit "$report" "$@" </dev/null
  local code=$?
  counts=$(tr '\n' ' ' <"$report" | sed -nE 's/.*<testsuite ([^>]*)>.*/\1/p')
  count() { sed -nE "s/.*\b$1=\"([0-9]+)\".*/\1/p" <<<"$counts"; }
  local all bad
  all=$(count tests) bad=$(count failures)
  if [ -z "$all" ] || [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
    step "ctest $preset ended with code $code" false
    return
  fi
  failed=$((failed + bad))
  passed=$((passed + all - bad - $(count disabled) - $(count skipped)))
}
