#!/usr/bin/env bash
# scripts/sign_skel with SDKs and a signer that are made here, in folders with blanks: both modes, what is kept,
# and every way to fail, each with its message and with nothing created or changed. Needs no built program.
set -u
sign_skel=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/sign_skel
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0
complain() { printf '%s\n%s\n' "${output-}" "$*"; failed=1; }

# The world that must not change lies in one folder; logs and what the signer notes lie outside of it.
world="$scratch/my world"
mkdir -p "$world" "$scratch/tmp"
cd "$world" || exit 2
export TMPDIR=$scratch/tmp FAKE_CALLS=$scratch/calls FAKE='' LC_ALL=C
export HEXAGON_SDK_ROOT="$world/Hexagon SDK" HEXAGON_TOOLS_ROOT="$world/Hexagon Tools" QNN_SDK_ROOT="$world/QNN SDK"
# Where python3 is a shim, finding out what it stands for takes its time.
interpreter=$(python3 -c 'import sys; print(sys.executable)')
export PYTHON=$interpreter
lib="$QNN_SDK_ROOT/lib"
signed="$lib/lpai-v6/signed"
runtime="$HEXAGON_TOOLS_ROOT/Tools/target/hexagon/lib"
signer="$HEXAGON_SDK_ROOT/tools/elfsigner/elfsigner.py"
delegate="$world/build-direct/backends/qualcomm"
direct=(--lpai-arch v6 --direct --htp-arch v81)
normal=(--lpai-arch v6)

# make FILE...: libraries as they are before signing.
make() {
  local file
  for file in "$@"; do mkdir -p "${file%/*}" && printf '\177ELF %s' "${file##*/}" >"$file"; done
}
inputs=("$lib/lpai-v6/unsigned/libQnnLpai.so" "$lib/hexagon-v81/unsigned/libQnnSystem.so"
  "$runtime/v81/G0/pic/libc++abi.so.1" "$runtime/v81/G0/pic/libc++.so.1"
  "$delegate/qnn_executorch/direct_mode/libqnn_executorch_skel.so" "$delegate/libqnn_executorch_backend.so")
skel="$lib/lpai-v6/unsigned/libQnnLpaiSkel.so"
make "$skel" "${inputs[@]}" "$lib/lpai-v5/unsigned/libQnnLpaiSkel.so" "$lib/hexagon-v79/unsigned/libQnnSystem.so"

# Signs by adding a line that differs every time. FAKE is what to do wrong, and at which library.
mkdir -p "${signer%/*}"
cat >"$signer" <<'END'
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("-i", required=True)
parser.add_argument("-o", required=True)
given = parser.parse_args()
name = os.path.basename(given.i)
with open(os.environ["FAKE_CALLS"], "a") as calls:
    print(name, file=calls)
print("Do you agree?", flush=True)
answers = sys.stdin.read(1 << 20)
assert answers.startswith("y") and len(answers) < 100, "no answer, or no end of them"
fault, _, place = os.environ["FAKE"].partition(" ")
fault = fault if place == name else ""
if fault == "fails":
    with open(os.path.join(given.o, name), "wb") as half:
        half.write(b"\177ELF half")
    print("the key has expired", file=sys.stderr)
    sys.exit(3)
if fault == "old":
    raise ImportError("No module named 'imp'")
if fault == "hangs":
    time.sleep(60)
if fault != "nothing":
    signed = open(given.i, "rb").read() + b" signed %d" % time.time_ns()
    signed = {"empty": b"", "text": b"not an ELF file"}.get(fault, signed)
    with open(os.path.join(given.o, name), "wb") as out:
        out.write(signed)
END

snapshot() { (cd "$world" && find . -printf '%y %p %l %m\n' && find . -type f -exec sha256sum {} +) | sort; }
calls() { [ ! -f "$FAKE_CALLS" ] || wc -l <"$FAKE_CALLS"; }
says() { local words; for words in "$@"; do grep -qF -- "$words" <<<"$output" || complain "lacks: $words"; done; }

# run CODE ARGUMENTS...: exit code; what it says is left in $output. sign_path is its PATH.
run() {
  local wanted=$1 code=0
  shift
  rm -f "$FAKE_CALLS"
  output=$(PATH=${sign_path-$PATH} "$sign_skel" "$@" 2>&1 </dev/null) || code=$?
  [ "$code" = "$wanted" ] || complain "exit code $code, not $wanted: sign_skel $*"
}

# refuses CODE WORDS ARGUMENTS...: the same, and nothing is called, created or changed, no log either.
refuses() {
  local words=$2 before
  before=$(snapshot)
  run "$1" "${@:3}"
  says "$words"
  [ "$before" = "$(snapshot)" ] || complain "changed something: $(diff <(echo "$before") <(snapshot))"
  [ -z "$(calls)" ] || complain "the signer was called"
  [ -z "$(ls -A "$TMPDIR")" ] || complain "left $(ls -A "$TMPDIR")"
}

# fails FAULT WORDS ARGUMENTS...: a signer that goes wrong changes nothing either, and its log is kept and named.
fails() {
  local before log
  before=$(snapshot)
  FAKE=$1 run 1 "${@:3}"
  says "$2" "no signed library was changed"
  [ "$before" = "$(snapshot)" ] || complain "changed something: $(diff <(echo "$before") <(snapshot))"
  log=$(ls -A "$TMPDIR")
  says "$TMPDIR/$log"
  grep -q "Do you agree" "$TMPDIR/$log" || complain "the log lacks what the signer said"
  rm -f "$TMPDIR"/*
}

# Usage.
refuses 0 "usage: scripts/sign_skel" --help
refuses 2 "--lpai-arch is missing"
refuses 2 "unknown option '--lpai'" "${normal[@]}" --lpai
refuses 2 "unknown option 'v6'" v6
refuses 2 "--lpai-arch needs a value" --lpai-arch
refuses 2 "--output needs a value" "${normal[@]}" --output --force
refuses 2 "--output needs a value" "${normal[@]}" --output=
refuses 2 "'6' is no architecture" --lpai-arch 6
refuses 2 "'v6/../v5' is no architecture" --lpai-arch v6/../v5
refuses 2 "'v81 v79' is no architecture" --lpai-arch=v6 --direct --htp-arch='v81 v79'
refuses 2 "--direct needs --htp-arch" "${normal[@]}" --direct
refuses 2 "go with --direct" "${normal[@]}" --htp-arch v81
refuses 2 "go with --direct" "${normal[@]}" --build-direct build-direct

# Environment: absent, empty, no folder. Without --direct the tools are not asked for.
for name in HEXAGON_SDK_ROOT QNN_SDK_ROOT HEXAGON_TOOLS_ROOT; do
  kept=${!name}
  unset "$name"
  refuses 1 "$name is not set" "${direct[@]}"
  export "$name="
  refuses 1 "$name is not set" "${direct[@]}"
  export "$name=$world/no such"
  refuses 1 "$name is no folder: $world/no such" "${direct[@]}"
  [ $name != HEXAGON_TOOLS_ROOT ] || refuses 0 "would sign $skel" "${normal[@]}" --dry-run
  export "$name=$kept"
done

# Architectures: a typo names those that are there.
refuses 1 "no folder $lib/lpai-v66; there are: v5 v6" --lpai-arch v66
refuses 1 "no folder $lib/hexagon-v18; there are: v79 v81" --lpai-arch v6 --direct --htp-arch v18
refuses 1 "no folder $runtime/v79; there are: v81" --lpai-arch v6 --direct --htp-arch v79
says "set HEXAGON_TOOLS_ROOT"

# Signer and its interpreter.
mv "$signer" "$signer.away"
refuses 1 "no signer $signer" "${normal[@]}"
mv "$signer.away" "$signer"
mkdir "$scratch/bin"
for tool in bash cat cmp mkdir mktemp mv realpath rm sha256sum tail; do
  ln -s "$(command -v $tool)" "$scratch/bin"
done
PYTHON='' sign_path=$scratch/bin refuses 1 "neither python3 nor python in PATH" "${normal[@]}"
PYTHON=no-such-python refuses 1 "PYTHON is no program: no-such-python" "${normal[@]}"

# Libraries: all that are missing are named at once.
mv "${inputs[0]}" "${inputs[0]}.away"
mv "${inputs[4]}" "${inputs[4]}.away"
mkdir "${inputs[4]}"
refuses 1 "cannot read 2 of 6 libraries" "${direct[@]}"
says "${inputs[0]}" "${inputs[4]}" "build what lacks in $world/build-direct"
rmdir "${inputs[4]}"
mv "${inputs[4]}.away" "${inputs[4]}"
mv "${inputs[0]}.away" "${inputs[0]}"
refuses 1 "no folder $world/other: build ExecuTorch for direct mode" "${direct[@]}" --build-direct other
mv "$skel" "$skel.away"
refuses 1 "cannot read 1 of 1 libraries" "${normal[@]}"
says "$skel"
mv "$skel.away" "$skel"

# Where to.
refuses 1 "no folder to make no/such in" "${normal[@]}" --output no/such
refuses 1 "$skel is no folder" "${normal[@]}" --output "$skel"
refuses 1 "holds the unsigned libraries" "${normal[@]}" --output "${skel%/*}"
if [ "$(id -u)" -ne 0 ]; then
  chmod a-w "$lib/lpai-v6"
  refuses 1 "cannot write beside" "${normal[@]}"
  chmod u+w "$lib/lpai-v6"
fi

# A signer that goes wrong, where nothing is signed yet.
fails "fails libQnnLpaiSkel.so" "libQnnLpaiSkel.so is not signed: the signer ended with code 3" "${normal[@]}"
says "the key has expired"
fails "nothing libQnnLpaiSkel.so" "reports success but wrote no such file" "${normal[@]}"
fails "empty libQnnLpaiSkel.so" "is no ELF file (0 bytes)" "${normal[@]}"
fails "text libQnnLpaiSkel.so" "is no ELF file (15 bytes)" "${normal[@]}"
fails "old libQnnLpaiSkel.so" "needs a Python before 3.12" "${normal[@]}"

# is_of SIGNED INPUT: whether that library is this one, signed.
is_of() { grep -qaF "$(cat "$2") signed" "$1" || complain "$1 is not the signed $2"; }
nothing_beside() {
  [ -z "$(find "$1" -maxdepth 1 -name '*signed.*')$(ls -A "$TMPDIR")" ] || complain "left something in $1 or $TMPDIR"
}

# Success. A dry run says the same and does nothing.
refuses 0 "would sign $skel as $signed/libQnnLpaiSkel.so" "${normal[@]}" --dry-run
run 0 "${normal[@]}"
for name in libQnnLpai libQnnLpaiStub libQnnSystem; do says "  $lib/aarch64-android/$name.so"; done
says "signed $signed/libQnnLpaiSkel.so" "  $signed/libQnnLpaiSkel.so" "  libqnn_executorch_backend.so" "as root" \
  "export LD_LIBRARY_PATH=DIR ADSP_LIBRARY_PATH=DIR"
is_of "$signed/libQnnLpaiSkel.so" "$skel"
nothing_beside "$lib/lpai-v6"
refuses 0 "would sign ${inputs[5]} as $signed/libqnn_executorch_backend.so" "${direct[@]}" --dry-run
run 0 "${direct[@]}"
[ "$(calls)" = 6 ] || complain "the signer was not called 6 times"
for input in "${inputs[@]}"; do
  says "  $signed/${input##*/}"
  is_of "$signed/${input##*/}" "$input"
done
says "libqnn_executorch_stub.so" "--domain_id 0"
nothing_beside "$lib/lpai-v6"

# Kept is what was signed from the same file, and is still what was signed.
refuses 0 "keep $signed/libc++.so.1" "${direct[@]}"
refuses 0 "keep $signed/libc++.so.1" "${direct[@]}" --dry-run
printf 'another build' >>"${inputs[5]}"
refuses 0 "would sign ${inputs[5]}" "${direct[@]}" --dry-run
run 0 "${direct[@]}"
says "keep $signed/libQnnLpai.so" "signed $signed/libqnn_executorch_backend.so"
[ "$(calls)" = 1 ] || complain "more than what changed was signed"
is_of "$signed/libqnn_executorch_backend.so" "${inputs[5]}"
: >"$signed/libQnnSystem.so"
rm "$signed/libc++.so.1.sha256"
rm "$signed/libQnnLpai.so"
run 0 "${direct[@]}"
[ "$(tr '\n' ' ' <"$FAKE_CALLS")" = "libQnnLpai.so libQnnSystem.so libc++.so.1 " ] ||
  complain "signed others: $(cat "$FAKE_CALLS")"
is_of "$signed/libQnnSystem.so" "${inputs[1]}"
run 0 "${direct[@]}" --force
[ "$(calls)" = 6 ] || complain "--force does not sign all anew"
refuses 0 "would sign ${inputs[0]}" "${direct[@]}" --force --dry-run

# The third of six fails: those that were signed before stay what they were.
printf 'another build' >>"${inputs[0]}"
fails "fails libc++abi.so.1" "libc++abi.so.1 is not signed: the signer ended with code 3" "${direct[@]}" --force
fails "nothing libc++abi.so.1" "libc++abi.so.1 is not signed: the signer reports success" "${direct[@]}" --force

# Interrupted in the middle, as a terminal does it: the signal goes to the whole group.
for signal in SIGINT SIGTERM SIGHUP; do
  before=$(snapshot)
  rm -f "$FAKE_CALLS"
  output=$(FAKE="hangs libc++.so.1" "$interpreter" - $signal "$sign_skel" "${direct[@]}" --force <<'END'
import os, signal, subprocess, sys, time
number = getattr(signal, sys.argv[1])
run = subprocess.Popen(sys.argv[2:], stderr=subprocess.PIPE, text=True, start_new_session=True,
                       preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
while run.poll() is None and "libc++.so.1\n" not in (open(os.environ["FAKE_CALLS"]).readlines()
                                                     if os.path.exists(os.environ["FAKE_CALLS"]) else []):
    time.sleep(0.01)
time.sleep(0.2)
os.killpg(run.pid, number)
print(run.communicate(timeout=30)[1])
print("code", run.returncode - 128 == number)
END
  ) || complain "$signal: it goes on"
  says "interrupted; no signed library was changed" "code True"
  [ "$before" = "$(snapshot)" ] || complain "$signal changed something: $(diff <(echo "$before") <(snapshot))"
  nothing_beside "$lib/lpai-v6"
done

# Folders that are named: relative, with blanks, behind a link; python, where there is no python3.
run 0 "${direct[@]}" --output "signed here" --build-direct ./build-direct
is_of "signed here/libqnn_executorch_skel.so" "${inputs[4]}"
mkdir "$scratch/far"
ln -s "$scratch/far" link
QNN_SDK_ROOT="QNN SDK" run 0 "${normal[@]}" --output=link
is_of "$scratch/far/libQnnLpaiSkel.so" "$skel"
nothing_beside "$scratch"
ln -s "$interpreter" "$scratch/bin/python"
PYTHON='' sign_path=$scratch/bin run 0 "${normal[@]}" --force
exit $failed
