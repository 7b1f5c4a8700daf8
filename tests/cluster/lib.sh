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

# Everything that decides what comes out of a Go folder.
cluster_pins_hash() { # FOLDER
  {
    (cd "$CLUSTER_SOURCE_DIR/$1" && shopt -s nullglob && sha256sum go.mod go.sum ./*.go)
    pinned_rows "$1" "${CLUSTER_BINARIES[@]}" "${CLUSTER_FILES[@]}"
    echo "$GO_MINIMUM $GO_WHEEL $CLUSTER_BUILD_DATE"
    uname -sm
  } | sha256sum | cut -c1-16
}

# The folder whose bin/ and share/ have what FOLDER's pins make.
cluster_cache_dir() { # FOLDER
  local root
  root=$(cluster_cache_root) || return 1
  echo "$root/cluster-$1-$(cluster_pins_hash "$1")"
}

pinned_rows() { # FOLDER ROW...: those whose second field is FOLDER
  local row fields
  for row in "${@:2}"; do
    IFS='|' read -ra fields <<<"$row"
    if [[ ${fields[1]} == "$1" ]]; then echo "$row"; fi
  done
}

missing_files() { # FOLDER TARGET: what is not there yet of bin/ and share/, one name a line
  local name
  pinned_rows "$1" "${CLUSTER_BINARIES[@]}" | cut -d'|' -f1 | while read -r name; do
    [[ -x $2/bin/$name ]] || echo "$name"
  done
  pinned_rows "$1" "${CLUSTER_FILES[@]}" | cut -d'|' -f1 | while read -r name; do
    [[ -e $2/share/$name ]] || echo "$name"
  done
}

module_version() { # GO_MOD_FILE MODULE: what the file requires, "v1.36.3"
  awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$1"
}
