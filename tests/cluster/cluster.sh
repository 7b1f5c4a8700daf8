# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A cluster's folder $dir and the life of the daemons in it; what up.sh, down.sh and daemon.sh have in common.
#   .kaito-test-cluster   says that the folder is ours; nothing is ever removed from one without it
#   kubeconfig, env       for the user: the administrator's kubeconfig, and exports for a shell
#   audit.log             kube-apiserver's, by audit-policy.yaml
#   logs/, pids/, pki/, etcd/, ports

# shellcheck source=tests/cluster/process.sh
. "$CLUSTER_SOURCE_DIR/process.sh"
# shellcheck source=tests/cluster/certs.sh
. "$CLUSTER_SOURCE_DIR/certs.sh"
# shellcheck source=tests/cluster/daemons.sh
. "$CLUSTER_SOURCE_DIR/daemons.sh"
# shellcheck source=tests/cluster/node.sh
. "$CLUSTER_SOURCE_DIR/node.sh"

readonly MARK=.kaito-test-cluster
readonly LOG_TAIL_LINES=15
readonly POLL_S=0.1
readonly START_DEADLINE_MS=${KAITO_CLUSTER_START_DEADLINE_MS:-180000}

umask 077 # the folder holds the administrator's key
# A proxy for the outside is none of the cluster's business.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy

dir=''
bin=''
nodes_bin=''
nodes_share=''
kubelet_bin=''
kubectl=''
declare -A port=()

# Sets dir, bin and kubectl, and takes the folder's lock until this process ends. A cluster that was begun with nodes or
# with pods has their daemons.
open_cluster() { # DIR
  dir=$(cd "$1" && pwd)
  bin=$(cluster_cache_dir go)/bin
  kubectl=$bin/kubectl
  nodes_bin=$(cluster_cache_dir go-nodes)/bin
  nodes_share=${nodes_bin%/bin}/share
  kubelet_bin=$(cluster_cache_dir go-kubelet)/bin
  if grep -qs '^kwok ' "$dir/ports"; then add_node_daemons; fi
  if grep -qs '^kubelet ' "$dir/ports"; then add_pod_daemons; fi
  exec 8>"$dir/lock"
  flock -n 8 || die "$dir: another up.sh, down.sh or daemon.sh is at work there"
}

add_node_daemons() {
  if [[ " ${CLUSTER_DAEMONS[*]} " != *' kwok '* ]]; then CLUSTER_DAEMONS+=("${CLUSTER_NODE_DAEMONS[@]}"); fi
}

is_cluster_dir() { [[ -e $1/$MARK ]]; }

running_daemons() { # those of $dir, in the order of their start
  local name
  for name in "${CLUSTER_DAEMONS[@]}"; do
    if daemon_alive "$name"; then echo "$name"; fi
  done
}

# In the reverse order of their start; the whole list is tried even when one does not go.
stop_cluster() {
  local i failed=0
  if [[ " ${CLUSTER_DAEMONS[*]} " == *' kubelet '* ]]; then
    stop_daemon kubelet || failed=1
    end_containers
  fi
  for ((i = ${#CLUSTER_DAEMONS[@]} - 1; i >= 0; i--)); do
    stop_daemon "${CLUSTER_DAEMONS[i]}" || failed=1
  done
  return "$failed"
}

daemon_ports() { # NAME: the names of its ports
  local list=${1//-/_}_ports
  echo "${!list}"
}

choose_ports() { # for every daemon; one that has a port already gets another
  local name numbers names=()
  for name in "${CLUSTER_DAEMONS[@]}"; do
    # shellcheck disable=SC2207 # names of ports are single words
    names+=($(daemon_ports "$name"))
  done
  readarray -t numbers < <(free_ports "${#names[@]}")
  for name in "${!names[@]}"; do port[${names[name]}]=${numbers[name]}; done
}

load_ports() {
  local name number
  while read -r name number; do port[$name]=$number; done <"$dir/ports"
}

# Everything that names a port.
write_settings() {
  local -r server=https://127.0.0.1:${port[apiserver]}
  local name
  for name in "${!port[@]}"; do echo "$name ${port[$name]}"; done >"$dir/ports"
  write_kubeconfig kube-controller-manager "$server" "$dir/pki/kube-controller-manager.kubeconfig"
  write_kubeconfig kube-scheduler "$server" "$dir/pki/kube-scheduler.kubeconfig"
  write_kubeconfig kwok "$server" "$dir/pki/kwok.kubeconfig"
  write_kubeconfig karpenter "$server" "$dir/pki/karpenter.kubeconfig"
  write_kubeconfig admin "$server" "$dir/kubeconfig"
  {
    echo "# Written by tests/cluster/up.sh; for a POSIX shell: . '$dir/env'"
    export_line KAITO_CLUSTER_DIR "$dir"
    export_line KAITO_CLUSTER_SERVER "$server"
    export_line KAITO_CLUSTER_CA "$dir/pki/ca.crt"
    export_line KAITO_CLUSTER_AUDIT_LOG "$dir/audit.log"
    export_line KUBECONFIG "$dir/kubeconfig"
    export_line KUBECTL "$kubectl"
    export_line KAITO_CLUSTER_NODES "$([[ -z ${port[kwok]:-} ]] || echo 1)"
    if [[ -n ${port[kubelet]:-} ]]; then
      export_line KAITO_CLUSTER_NODE "$NODE_NAME"
      export_line CONTAINERD_ADDRESS "$containerd_socket"
    fi
    export_line KUBECACHEDIR "$dir/kubectl-cache"
  } >"$dir/env"
}

export_line() { # NAME VALUE
  local -r quote="'\\''"
  printf "export %s='%s'\n" "$1" "${2//\'/$quote}"
}

# Starts a daemon and waits until it serves. 0: it does. 1: it does not, and why has been said; it may still run.
# 2: somebody else has one of its ports.
bring_up() { # NAME
  local -r name=$1 log=$dir/logs/$1.log
  local began size command=()
  mkdir -p "$dir/logs"
  size=$(stat -c %s "$log" 2>/dev/null || echo 0)
  if declare -F "${name//-/_}_prepare" >/dev/null && ! "${name//-/_}_prepare"; then
    complain "$name: what it needs could not be made"
    return 1
  fi
  "${name//-/_}_command"
  began=$(now_ms)
  start_daemon "$name" "${command[@]}"
  until daemon_serves "$name"; do
    if ! daemon_alive "$name"; then
      rm -f "$dir/pids/$name"
      if tail -c "+$((size + 1))" "$log" | grep -q 'address already in use'; then return 2; fi
      complain "$name ended while it started; the end of $log:"
      tail -n "$LOG_TAIL_LINES" "$log" | sed 's/^/    /' >&2
      return 1
    fi
    if (($(now_ms) - began > START_DEADLINE_MS)); then
      complain "$name does not serve after $((START_DEADLINE_MS / 1000)) s; the end of $log:"
      tail -n "$LOG_TAIL_LINES" "$log" | sed 's/^/    /' >&2
      return 1
    fi
    sleep "$POLL_S"
  done
}

daemon_serves() { # NAME
  local p
  for p in $(daemon_ports "$1"); do
    daemon_listens "$1" "${port[$p]}" || return 1
  done
  "${1//-/_}_ready"
}
