# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The daemons of `up.sh --with-pods`: one real node, whose pods really run. They need root, and they make mounts, network
# interfaces and containers, so they run only inside isolated.sh: whatever they leave ends with its namespaces.
#   containerd, runc, the CNI plugin ptp   of Debian
#   kubelet                                of go-kubelet/
# What they write that is not worth keeping goes to $node_dir, on a file system in memory: an overlay of layers cannot
# lie on another overlay, as it would in a container.

readonly NODE_NAME=node-0
readonly NODE_ADDRESS=${KAITO_NODE_ADDRESS:-10.88.0.1} # isolated.sh puts it on lo
readonly POD_NETWORK=10.88.1.0/24
readonly PAUSE_IMAGE=localhost/pause:1 # tests/real/images makes it
readonly CNI_PLUGINS=/usr/lib/cni
node_dir=/run/kaito-node
containerd_socket=$node_dir/containerd.sock

CLUSTER_POD_DAEMONS=(containerd kubelet) # added by up.sh --with-pods

add_pod_daemons() {
  if [[ " ${CLUSTER_DAEMONS[*]} " != *' kubelet '* ]]; then CLUSTER_DAEMONS+=("${CLUSTER_POD_DAEMONS[@]}"); fi
}

# What must be there, in words that say what to install; nothing when all is.
missing_for_pods() {
  local tool
  for tool in containerd ctr runc; do
    command -v "$tool" >/dev/null || echo "$tool is not installed (make deps-real)"
  done
  [[ -x $CNI_PLUGINS/ptp ]] || echo "$CNI_PLUGINS/ptp is not there (make deps-real)"
  [[ -n ${KAITO_NODE_CGROUP:-} ]] || echo "pods run only inside tests/cluster/isolated.sh"
}

containerd_ports=""
containerd_umask=022 # it is that of the root folder of every container
containerd_prepare() {
  mkdir -p "$node_dir/cni"
  cat >"$node_dir/cni/10-ptp.conflist" <<EOF
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {"type": "host-local",
  "subnet": "$POD_NETWORK", "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "$node_dir/addresses"}}]}
EOF
  cat >"$node_dir/containerd.toml" <<EOF
version = 2
root = "$node_dir/containerd"
state = "$node_dir/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE"
  restrict_oom_score_adj = true # a root without CAP_SYS_RESOURCE may not lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_PLUGINS"
    conf_dir = "$node_dir/cni"
EOF
}
containerd_command() { command=("$(command -v containerd)" --config "$node_dir/containerd.toml"); }
# It serves others before it serves kubelets, and a kubelet that comes too early ends: so ask what a kubelet asks first,
# with an empty message of gRPC. The answer names the runtime.
containerd_ready() {
  printf '\0\0\0\0\0' | curl --silent --max-time 5 --http2-prior-knowledge --unix-socket "$containerd_socket" \
    --header 'content-type: application/grpc' --header 'te: trailers' --data-binary @- --output - \
    http://localhost/runtime.v1.RuntimeService/Version 2>/dev/null | grep -aq containerd
}

kubelet_ports="kubelet kubelet-health"
kubelet_prepare() {
  write_kubeconfig kubelet "https://127.0.0.1:${port[apiserver]}" "$dir/pki/kubelet.kubeconfig"
  # JSON, which is YAML too: a path may hold what YAML would read otherwise.
  cat >"$node_dir/kubelet.json" <<EOF
{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
 "address": "$NODE_ADDRESS", "port": ${port[kubelet]},
 "healthzBindAddress": "127.0.0.1", "healthzPort": ${port[kubelet-health]},
 "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true},
   "x509": {"clientCAFile": "$dir/pki/ca.crt"}},
 "authorization": {"mode": "Webhook"},
 "tlsCertFile": "$dir/pki/kubelet.crt", "tlsPrivateKeyFile": "$dir/pki/kubelet.key",
 "containerRuntimeEndpoint": "unix://$containerd_socket",
 "cgroupDriver": "cgroupfs", "cgroupRoot": "/$KAITO_NODE_CGROUP", "failCgroupV1": false,
 "enforceNodeAllocatable": [], "failSwapOn": false, "makeIPTablesUtilChains": false,
 "clusterDNS": ["$NODE_ADDRESS"], "clusterDomain": "cluster.local",
 "evictionHard": {"memory.available": "100Mi"}, "imageGCHighThresholdPercent": 100,
 "podLogsDir": "$dir/logs/pods", "volumePluginDir": "$node_dir/volume-plugins"}
EOF
}
kubelet_command() {
  command=(
    "$kubelet_bin/kubelet" --config="$node_dir/kubelet.json" --kubeconfig="$dir/pki/kubelet.kubeconfig"
    --root-dir="$node_dir/kubelet" --cert-dir="$node_dir/kubelet/pki"
    --hostname-override="$NODE_NAME" --node-ip="$NODE_ADDRESS"
  )
}
kubelet_ready() {
  [[ $("$kubectl" --kubeconfig="$dir/kubeconfig" --request-timeout=5s get node "$NODE_NAME" \
    -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null) == True ]]
}

# Containers outlive containerd: it is restarted without harm to them. When all is to end, they end first.
end_containers() {
  local -r tasks=(ctr --address "$containerd_socket" --namespace k8s.io task)
  local task
  containerd_ready || return 0
  "${tasks[@]}" list -q | while read -r task; do "${tasks[@]}" delete --force "$task" >/dev/null 2>&1; done
}
