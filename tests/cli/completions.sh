#!/usr/bin/env bash
# Completions and the manual page know every verb and option that --help shows, and their shells read
# them. Shells and checkers that are not installed are left out. See completions.py.
set -eu
: "${SNAPGAUGE:?must name the program}"
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for shell in bash zsh fish; do
  "$SNAPGAUGE" completions $shell >"$scratch/$shell"
  if command -v $shell >/dev/null; then $shell -n "$scratch/$shell"; fi
done
"$SNAPGAUGE" manual >"$scratch/snapgauge.1"
share=$(dirname "$SNAPGAUGE")/../share
cmp "$scratch/snapgauge.1" "$share/man/man1/snapgauge.1"
cmp "$scratch/bash" "$share/bash-completion/completions/snapgauge"
cmp "$scratch/zsh" "$share/zsh/site-functions/_snapgauge"
cmp "$scratch/fish" "$share/fish/vendor_completions.d/snapgauge.fish"
if command -v mandoc >/dev/null; then
  # The page has no date: the same sources give the same bytes.
  mandoc -T lint -W warning "$scratch/snapgauge.1" >"$scratch/lint" || true
  if grep -v 'missing date' "$scratch/lint"; then exit 1; fi
fi
if command -v groff >/dev/null; then groff -man -Tutf8 -ww "$scratch/snapgauge.1" 2>&1 >/dev/null | (! grep .); fi
python3 completions.py "$scratch"

# expect WORDS WANTED...: what bash offers for the last of the words contains all that is wanted.
set +e  # as in the shells that complete
source "$scratch/bash"
expect() {
  local wanted
  IFS=' ' read -r -a COMP_WORDS <<<"$1"
  [ "${1% }" = "$1" ] || COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _snapgauge
  for wanted in "${@:2}"; do
    [[ " ${COMPREPLY[*]} " == *" $wanted "* ]] || { echo "bash: '$1' offers '${COMPREPLY[*]}', not $wanted"; exit 1; }
  done
}
expect "snapgauge " check rules completions --version
expect "snapgauge check --color " auto always never
expect "snapgauge check --strict --out" --output --output-format
expect "snapgauge check comp" completions.py completions.sh
expect "snapgauge rules " list
expect "snapgauge rules list --kind ad" advice
expect "snapgauge explain SG20" SG201 SG202
expect "snapgauge opinfo show --so" --soc
expect "snapgauge opinfo " show diff
expect "snapgauge opinfo diff --op" --op --opinfo
expect "snapgauge check --db comp" completions.py
if command -v fish >/dev/null; then
  offered=$(HOME=$scratch fish --no-config -c "source $scratch/fish; complete -C 'snapgauge rules list --'; complete -C 'snapgauge '")
  for wanted in --kind --json check decode; do
    grep -q -e "^$wanted" <<<"$offered" || { echo "fish: offers no $wanted"; exit 1; }
  done
fi
