#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# up.sh [--with-nodes|--with-pods] DIR: starts a Kubernetes control plane on loopback with everything it has in DIR, and
# returns when it serves. --with-nodes: also Karpenter, which makes a Node of each NodeClaim (KAITO_CLUSTER_NODE_DELAY
# later, 1s), and kwok, which plays the pods on it. --with-pods, inside isolated.sh: also containerd and a kubelet, which
# are one node whose pods really run; the image that node.sh names PAUSE_IMAGE must be imported before the first.
# DIR is made, or is empty, or is one that `down.sh --keep` or a crash left: then its data and, where still free, its
# ports come back. `. DIR/env` afterwards, or use DIR/kubeconfig.
# Exit codes: 0 up, 1 failed (nothing is left running), 75 the binaries cannot be had here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/cluster.sh
. "$here/cluster.sh"

readonly PORT_ATTEMPTS=5

prepare_dir() { # DIR
  mkdir -p "$1"
  if ! is_cluster_dir "$1"; then
    [[ -z $(ls -A "$1") ]] || die "$1 is not empty and was not made by up.sh"
    : >"$1/$MARK"
  fi
  open_cluster "$1"
  [[ -z $(running_daemons) ]] || die "$dir: a cluster runs there already (end it with down.sh $dir)"
}

# Starts every daemon in turn. Returns as bring_up does.
start_all() { # START_MS
  local name rc
  for name in "${CLUSTER_DAEMONS[@]}"; do
    rc=0
    bring_up "$name" || rc=$?
    if ((rc != 0)); then return "$rc"; fi
    say "$name serves after $(seconds_since "$1")"
  done
}

started=''
resumed=''
end_unfinished() {
  trap - EXIT
  [[ -n $started ]] || return 0
  stop_cluster || true
  if [[ -z $resumed ]]; then rm -f "$dir/ports"; fi # without it the next up.sh begins anew
  complain "not up; nothing is left running, the logs are in $dir/logs"
}

main() {
  local -a more=()
  case ${1:-} in
    --with-nodes) more=("$1") && add_node_daemons && shift ;;
    --with-pods) more=("$1") && add_pod_daemons && shift ;;
  esac
  [[ $# -eq 1 && -n $1 && $1 != -* ]] || die "usage: up.sh [--with-nodes|--with-pods] DIR"
  local attempt rc began missing
  if grep -qs '^kwok ' "$1/ports"; then more=(--with-nodes); fi
  if grep -qs '^kubelet ' "$1/ports"; then more=(--with-pods); fi
  "$here/build.sh" "${more[@]}"
  if [[ ${more[*]} == --with-pods ]]; then
    missing=$(missing_for_pods)
    [[ -z $missing ]] || unavailable "${missing//$'\n'/; }"
  fi
  began=$(now_ms)
  prepare_dir "$1"
  trap end_unfinished EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [[ -s $dir/ports ]]; then
    resumed=yes
    load_ports
    if [[ ${more[*]} == --with-nodes && -z ${port[kwok]:-} ]]; then die "$dir was begun without nodes: use a new folder"; fi
    if [[ ${more[*]} == --with-pods && -z ${port[kubelet]:-} ]]; then die "$dir was begun without pods: use a new folder"; fi
  else
    rm -rf "$dir/etcd" "$dir/pki" "$dir/logs" "$dir/audit.log" "$dir/kubectl-cache"
    make_cluster_certificates
    choose_ports
  fi
  started=yes
  for ((attempt = 1; ; attempt++)); do
    write_settings
    rc=0
    start_all "$began" || rc=$?
    if ((rc != 2 || attempt == PORT_ATTEMPTS)); then break; fi
    say "another process was faster with one of our ports; trying others"
    stop_cluster
    choose_ports
  done
  if ((rc == 2)); then complain "no free ports after $PORT_ATTEMPTS attempts"; fi
  ((rc == 0)) || exit 1
  started=''
  say "up in $(seconds_since "$began"): export KUBECONFIG=$dir/kubeconfig"
}

main "$@"
