# Sourced by scripts/check_bare and scripts/check_torch, after setup.sh and tally.sh: a minimal Debian root made by
# debootstrap in a temporary folder, from the package source that this machine uses. $release says which Debian; the
# root is $bare, what belongs to the run goes to $work, and nothing of it is left.
exec 3>&1
work=
job=
leave() {
  trap - INT TERM HUP
  exec >&3  # a signal may find us in the middle of a command whose output goes to a log
  # unshare passes over milder signals; its child dies with it, and with the child all that runs inside.
  if [ -n "$job" ]; then kill -KILL "$job" 2>/dev/null; wait "$job" 2>/dev/null; fi
  # Mounts were made in namespaces of their own and are gone by now; should one be left, it stays whole.
  if [ -n "$work" ]; then rm -rf --one-file-system "$work"; fi
  finish
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# isolated COMMAND...: its mounts and processes end with it. In the background, so that a signal to this
# script is answered at once.
isolated() {
  local code
  unshare --mount --pid --fork --kill-child "$@" </dev/null &
  job=$!
  wait "$job"
  code=$?
  job=
  return "$code"
}

# inside COMMAND...: in the bare root, in /root/snapgauge, with nothing of our environment but the proxies.
inside() {
  local variable proxies=()
  for variable in http_proxy https_proxy no_proxy; do
    [ -z "${!variable-}" ] || proxies+=("$variable=${!variable}")
  done
  isolated bash -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' bash "$bare" \
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${proxies[@]}" \
    sh -c 'cd /root/snapgauge && exec "$@"' sh "$@"
}

# sources [RELEASE]: this machine's sources of Debian's own packages, as "address suite".
sources() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Component: main' |
    awk -v release="${1:-$release}" '$2 == release || index($2, release "-") == 1' | sort -u
}

# The archive that has the release: its own source, else that of this machine's release, for archives hold them all.
address() {
  local one
  for one in "$release" "$(. /etc/os-release && echo "${VERSION_CODENAME-}")"; do
    sources "$one" | awk -v release="$one" '$2 == release { print $1; exit }'
  done | head -n 1
}

make_root() {
  local from
  from=$(address)
  [ -n "$from" ] || { echo "apt has no source for $release on this machine"; return 1; }
  isolated debootstrap --variant=minbase "$release" "$bare" "$from" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log"; return 1; }
}

# What lets apt reach the same source as here: addresses, keys, certificates, Acquire options.
let_apt_work() {
  # Without a source of its own, the release keeps the one that debootstrap noted.
  [ -z "$(sources)" ] || sources | sed "s/^/deb /; s/\$/ main/" >"$bare/etc/apt/sources.list"
  apt-config dump | grep '^Acquire::' >"$bare/etc/apt/apt.conf.d/10as-outside"
  local path
  for path in /etc/hosts /etc/resolv.conf /etc/ssl/certs /usr/share/ca-certificates \
    /usr/local/share/ca-certificates /usr/share/keyrings /etc/apt/keyrings /etc/apt/trusted.gpg.d; do
    [ -e "$path" ] || continue
    mkdir -p "$bare${path%/*}"
    cp -aLT "$path" "$bare$path" || return 1
  done
}

# The root as it stands before anything is put into it. Ends the script where there can be none.
bare_root() {
  step "root" [ "$(id -u)" -eq 0 ] || exit
  step "packages" install_packages bare || exit
  work=$(mktemp -d) || exit
  bare=$work/root
  umask 022
  step "debootstrap $release" make_root || exit
  step "apt" let_apt_work || exit
}
