# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts beside it: messages, elapsed time, and where the cache is.

CLUSTER_SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/pins.sh
. "$CLUSTER_SOURCE_DIR/pins.sh"

# sysexits' EX_TEMPFAIL: the tools for a cluster cannot be had here. Callers report their tests as skipped.
EXIT_UNAVAILABLE=75

say() { printf 'cluster: %s\n' "$*"; }
complain() { printf 'cluster: %s\n' "$*" >&2; }
die() {
  complain "$@"
  exit 1
}
unavailable() {
  complain "$@"
  exit "$EXIT_UNAVAILABLE"
}

now_ms() {
  local us=${EPOCHREALTIME/[.,]/}
  echo $((us / 1000))
}

seconds_since() { # START_MS: "12.3 s"
  local ms=$(($(now_ms) - $1))
  printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# The folder for everything that is built once: XDG_CACHE_HOME, else ~/.cache, where ~ may have to come from the
# password file. There is no fall-back to /tmp: a folder with a guessable name there could be made by somebody else,
# and its contents are executed.
cluster_cache_root() {
  local base=${XDG_CACHE_HOME:-} home=${HOME:-}
  if [[ $base != /* ]]; then
    [[ $home == /* ]] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
    [[ $home == /* && -d $home ]] || die "no home folder to put the cache in: set XDG_CACHE_HOME to an absolute path"
    base=$home/.cache
  fi
  echo "$base/kubectl-kaito"
}

cluster_pins_hash() {
  (cd "$CLUSTER_SOURCE_DIR" && sha256sum pins.sh ./*/go.mod ./*/go.sum && uname -sm) | sha256sum | cut -c1-16
}

# The folder whose bin/ has the binaries of these pins.
cluster_cache_dir() {
  local root
  root=$(cluster_cache_root) || return 1
  echo "$root/cluster-$(cluster_pins_hash)"
}

binary_names() {
  local row
  for row in "${CLUSTER_BINARIES[@]}"; do echo "${row%%|*}"; done
}

binaries_missing() { # BIN_DIR: the names that are not there yet
  local name
  for name in $(binary_names); do [[ -x $1/$name ]] || echo "$name"; done
}

module_version() { # GO_MOD_FILE MODULE: what the file requires, "v1.36.3"
  awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$1"
}
