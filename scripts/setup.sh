# Sourced by scripts/snapgauge, scripts/test and .ci/run: installs what is missing, builds a preset.
# Nothing here writes to stdout, which belongs to the program that is being built.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Compilations are shared between clones of the project wherever they lie.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
if [ ! -w "${HOME:-/nonexistent}" ]; then export CCACHE_DIR=$root/build/ccache; fi

# packages GROUP...: the names that scripts/packages.txt lists for these groups.
packages() {
  local group
  for group in "$@"; do awk -v group="$group" '$1 == group { print $2 }' "$root/scripts/packages.txt"; done
}

is_present() {
  command -v "$1" >/dev/null 2>&1 ||
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages GROUP...: installs what is absent; asks nothing when nothing is.
install_packages() {
  local name missing=() as_root=()
  for name in $(packages "$@"); do is_present "$name" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    # Elsewhere the packages have other names; CMake says what it does not find.
    echo "snapgauge: not a Debian system; these Debian packages name what is needed: ${missing[*]}" >&2
    return 0
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "snapgauge: as root, run: apt-get install ${missing[*]}" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "snapgauge: installing ${missing[*]}" >&2
  mkdir -p "$root/build"
  local log=$root/build/packages.log
  "${as_root[@]}" apt-get update >"$log" 2>&1 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      "${missing[@]}" >>"$log" 2>&1 </dev/null && return 0
  tail -n 20 "$log" >&2
  echo "snapgauge: installing packages failed; the whole output is in $log" >&2
  return 1
}

# On a terminal the newest line of the build, otherwise nothing.
show_progress() {
  local line
  if [ ! -t 2 ]; then cat >/dev/null; return; fi
  while IFS= read -r line; do printf '\r\033[K%s' "${line:0:78}" >&2; done
  printf '\r\033[K' >&2
}

# build_preset NAME [TARGET...]: configures once and builds what is out of date. The output goes to
# build/NAME/build.log; its end is shown when the build fails.
build_preset() (
  set -o pipefail
  local preset=$1 dir=$root/build/$1 targets=()
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  mkdir -p "$dir" && cd "$root" || return 1
  local log=$dir/build.log
  exec 9>"$dir/.lock"
  if command -v flock >/dev/null; then flock 9; fi  # two runs at once would build over each other
  {
    { [ "$dir/build.ninja" -nt CMakePresets.json ] || cmake --preset "$preset"; } &&
      cmake --build "$dir" -j "$(nproc)" "${targets[@]}"
  } 2>&1 9>&- | tee "$log" | show_progress && return 0
  tail -n 40 "$log" >&2
  echo "snapgauge: the build failed; its whole output is in $log" >&2
  return 1
)
