# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What the self tests share; sourced after lib.sh.

readonly DEADLINE_MS=60000
passed=0
failed=0
work=$(mktemp -d)
bin=$(cluster_cache_dir go)/bin
readonly work bin

check() { # TITLE COMMAND...: passes when the command does
  local -r title=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $title"
  else
    failed=$((failed + 1))
    echo "not ok - $title"
    tail -n 20 "$work/output" | sed 's/^/#   /'
  fi
}

exits_with() { # CODE COMMAND...; the output is kept for `says`
  local rc=0
  "${@:2}" >"$work/said" 2>&1 || rc=$?
  if ((rc != $1)); then
    echo "exit code $rc, expected $1:"
    cat "$work/said"
    return 1
  fi
}

says() { grep -qF -- "$1" "$work/said" || { cat "$work/said" && return 1; }; }

poll_until() { # COMMAND...: true as soon as the command is, false at the deadline
  local -r began=$(now_ms)
  until "$@"; do
    (($(now_ms) - began < DEADLINE_MS)) || return 1
    sleep 0.1
  done
}

setting() { sed -n "s/^export $2='\(.*\)'\$/\1/p" "$1/env"; }
kubectl_at() { "$bin/kubectl" --kubeconfig="$1/kubeconfig" --cache-dir="$work/kubectl-cache" "${@:2}"; }
serves() { [[ $(kubectl_at "$1" get --raw=/readyz) == ok ]]; }
fails() { if "$@"; then return 1; fi; }

# Every daemon has the cluster's folder as its working folder.
processes_in() { find /proc -maxdepth 2 -name cwd -lname "$1*" 2>/dev/null; }
nothing_runs_in() { [[ -z $(processes_in "$1") ]] || { processes_in "$1" && return 1; }; }

clean_up() {
  trap - EXIT
  local d
  for d in "$work"/*/; do
    if [[ -e $d/.kaito-test-cluster ]]; then "$here/down.sh" "$d" >/dev/null || true; fi
  done
  rm -rf "$work"
}

summary() { # TITLE: the last line; false when a check has failed
  echo "$1: $passed passed, $failed failed, 0 skipped"
  ((failed == 0))
}
