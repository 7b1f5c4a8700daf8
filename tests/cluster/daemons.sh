# shellcheck shell=bash disable=SC2034,SC2054,SC2154
# SPDX-License-Identifier: Apache-2.0
# The daemons of a cluster, in the order in which they start. To add one: its name here, its binary in pins.sh, and
# for NAME (with _ for -) three things below:
#   NAME_ports      the names of the loopback ports it listens on; ${port[...]} has the numbers
#   NAME_command    a function that sets command=(...)
#   NAME_ready      a function that is true when it serves (its ports are looked at before)
#   NAME_prepare    may be missing: a function that makes what it needs before it starts
#   NAME_umask      may be missing: other than 077
# Every one of them runs with $dir as its working folder. $dir, $bin, $nodes_bin, $nodes_share and $kubectl are absolute
# paths that cluster.sh sets.

CLUSTER_DAEMONS=(etcd kube-apiserver kube-controller-manager kube-scheduler)
CLUSTER_NODE_DAEMONS=(kwok karpenter) # added by up.sh --with-nodes

admin_get() { # PATH [kubectl's flags]: an HTTP GET as the administrator
  "$kubectl" --kubeconfig="$dir/kubeconfig" --request-timeout=5s get --raw="$1" "${@:2}" >/dev/null 2>&1
}

etcd_ports="etcd-client etcd-peer"
etcd_command() {
  local -r client=https://127.0.0.1:${port[etcd-client]} peer=https://127.0.0.1:${port[etcd-peer]} pki=$dir/pki
  command=(
    "$bin/etcd" --name=kaito-test --data-dir="$dir/etcd" --log-level=warn
    --unsafe-no-fsync # the data need to outlive a process, not a power cut
    --listen-client-urls="$client" --advertise-client-urls="$client"
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="kaito-test=$peer"
    --cert-file="$pki/etcd.crt" --key-file="$pki/etcd.key"
    --client-cert-auth --trusted-ca-file="$pki/etcd-ca.crt"
    --peer-cert-file="$pki/etcd.crt" --peer-key-file="$pki/etcd.key"
    --peer-client-cert-auth --peer-trusted-ca-file="$pki/etcd-ca.crt"
  )
}
etcd_ready() { true; } # kube-apiserver waits for the rest

kube_apiserver_ports="apiserver"
kube_apiserver_command() {
  local -r pki=$dir/pki
  command=(
    "$bin/kube-apiserver" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="${port[apiserver]}"
    --etcd-servers="https://127.0.0.1:${port[etcd-client]}" --etcd-cafile="$pki/etcd-ca.crt"
    --etcd-certfile="$pki/apiserver-etcd-client.crt" --etcd-keyfile="$pki/apiserver-etcd-client.key"
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key"
    --client-ca-file="$pki/ca.crt" --authorization-mode=Node,RBAC
    --service-account-key-file="$pki/service-account.pub"
    --service-account-signing-key-file="$pki/service-account.key"
    --service-account-issuer=https://kubernetes.default.svc.cluster.local
    --service-cluster-ip-range=10.0.0.0/24 --endpoint-reconciler-type=none --allow-privileged=true
    # Without the front proxy's CA the controllers log an error each minute. Aggregator routing makes the API server
    # call a webhook's Service at its endpoint addresses: there is no kube-proxy here.
    --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group
    --requestheader-extra-headers-prefix=X-Remote-Extra- --enable-aggregator-routing=true
    # Blocking: the line is in the file before the client has its answer, so a test that has one can count on the other.
    --audit-policy-file="$CLUSTER_SOURCE_DIR/audit-policy.yaml" --audit-log-path="$dir/audit.log"
    --audit-log-mode=blocking
    # kwok is the kubelet of every node, at the node's address.
    --kubelet-preferred-address-types=InternalIP
    --kubelet-client-certificate="$pki/apiserver-kubelet-client.crt"
    --kubelet-client-key="$pki/apiserver-kubelet-client.key"
  )
}
kube_apiserver_ready() { admin_get /readyz; }

kube_controller_manager_ports="controller-manager"
kube_controller_manager_command() {
  local -r pki=$dir/pki config=$dir/pki/kube-controller-manager.kubeconfig
  command=(
    "$bin/kube-controller-manager" --bind-address=127.0.0.1 --secure-port="${port[controller-manager]}"
    --kubeconfig="$config" --authentication-kubeconfig="$config" --authorization-kubeconfig="$config"
    --tls-cert-file="$pki/kube-controller-manager.crt" --tls-private-key-file="$pki/kube-controller-manager.key"
    --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/service-account.key"
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
    --use-service-account-credentials --leader-elect=false --allocate-node-cidrs=false
    --kube-api-qps=300 --kube-api-burst=600 # its own throttling of the first seconds costs 4 s at the default 20
  )
}
# It serves before its controllers work; the first service account is the sign that they do.
kube_controller_manager_ready() {
  admin_get /healthz --server="https://127.0.0.1:${port[controller-manager]}" &&
    admin_get /api/v1/namespaces/default/serviceaccounts/default
}

kube_scheduler_ports="scheduler"
kube_scheduler_command() {
  local -r pki=$dir/pki config=$dir/pki/kube-scheduler.kubeconfig
  command=(
    "$bin/kube-scheduler" --bind-address=127.0.0.1 --secure-port="${port[scheduler]}" --leader-elect=false
    --kubeconfig="$config" --authentication-kubeconfig="$config" --authorization-kubeconfig="$config"
    --tls-cert-file="$pki/kube-scheduler.crt" --tls-private-key-file="$pki/kube-scheduler.key"
  )
}
kube_scheduler_ready() { admin_get /healthz --server="https://127.0.0.1:${port[scheduler]}"; }

# kwok plays the kubelet: it makes nodes ready, and moves pods by the stages in nodes/.
kwok_ports="kwok"
kwok_command() {
  command=(
    "$nodes_bin/kwok" --kubeconfig="$dir/pki/kwok.kubeconfig" --config="$CLUSTER_SOURCE_DIR/nodes/kwok.yaml"
    --config="$nodes_share/node-initialize.yaml" --config="$CLUSTER_SOURCE_DIR/nodes/pods.yaml"
    --config="$CLUSTER_SOURCE_DIR/nodes/fates.yaml" --config="$dir/pod-logs.yaml"
    --server-address="127.0.0.1:${port[kwok]}" --node-ip=127.0.0.1 --node-port="${port[kwok]}"
    --tls-cert-file="$dir/pki/kwok.crt" --tls-private-key-file="$dir/pki/kwok.key"
  )
}
# What `kubectl logs` shows, by the container's name. kwok wants absolute paths.
kwok_prepare() {
  local -r logs=$CLUSTER_SOURCE_DIR/nodes/logs
  local log name
  echo '{"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": "all"}, "spec": {"logs": [' >"$dir/pod-logs.yaml"
  for log in "$logs"/*.log; do
    name=${log##*/}
    name=${name%.log}
    if [[ $name != any ]]; then printf '{"containers": ["%s"], "logsFile": "%s"},\n' "$name" "$log"; fi
  done >>"$dir/pod-logs.yaml"
  printf '{"logsFile": "%s"}]}}\n' "$logs/any.log" >>"$dir/pod-logs.yaml"
}
kwok_ready() { admin_get /healthz --server="http://127.0.0.1:${port[kwok]}"; }

# Karpenter makes a Node of every NodeClaim, where its type is one of our catalogue's.
karpenter_ports="karpenter"
karpenter_command() {
  command=(
    "$nodes_bin/karpenter" --kubeconfig="$dir/pki/karpenter.kubeconfig" --log-level=info
    --health-address="127.0.0.1:${port[karpenter]}" --instance-types-file-path="$dir/instance-types.json"
  )
}
karpenter_ready() { admin_get /readyz --server="http://127.0.0.1:${port[karpenter]}"; }
karpenter_prepare() {
  local -r as_admin=("$kubectl" --kubeconfig="$dir/kubeconfig" --cache-dir="$dir/kubectl-cache")
  local -r crds=(-f "$nodes_share/karpenter-crds" -f "$nodes_share/kwok-node-class-crds" -f "$CLUSTER_SOURCE_DIR/nodes/crds.yaml")
  instance_types >"$dir/instance-types.json"
  # What a test has changed or deleted since stays so.
  if admin_get /apis/karpenter.kwok.sh/v1alpha1/kwoknodeclasses/default; then return 0; fi
  "${as_admin[@]}" apply --server-side "${crds[@]}" >/dev/null &&
    "${as_admin[@]}" wait --for=condition=Established "${crds[@]}" --timeout=30s >/dev/null &&
    sed "s/@NODE_DELAY@/${KAITO_CLUSTER_NODE_DELAY:-1s}/" "$CLUSTER_SOURCE_DIR/nodes/classes.yaml" |
    "${as_admin[@]}" create -f - >/dev/null
}

# Every NVIDIA machine of our catalogue, retired ones too, in the form of Karpenter's KWOK provider. Processors, memory
# and disk are made up, by the GPU; enough for what a Job asks for. A claim on AWS asks for a GPU count above 0.
instance_types() {
  awk '/^  - \{/ { print record; record = "" } { record = record $0 } END { print record }' \
    "$CLUSTER_SOURCE_DIR/../../shared/catalog/skus.yaml" |
    sed -nE 's/.*name: ([^,]+), cloud: (azure|aws),.*gpu_model: NVIDIA.*gpu_count: ([0-9]+).*/\1 \2 \3/p' | awk '
    function requirement(key, value) {
      return "{\"key\": \"" key "\", \"operator\": \"In\", \"values\": [\"" value "\"]}"
    }
    BEGIN { print "[" }
    {
      count = $3
      offer = requirement("karpenter.sh/capacity-type", "on-demand")
      offer = offer ", " requirement("topology.kubernetes.io/zone", $2 == "aws" ? "us-east-1a" : "eastus-1")
      if ($2 == "aws") offer = offer ", " requirement("karpenter.k8s.aws/instance-gpu-count", count)
      printf "%s{\"name\": \"%s\", \"architecture\": \"amd64\", \"operatingSystems\": [\"linux\"],\n", NR == 1 ? "" : ",", $1
      printf " \"offerings\": [{\"Price\": %d, \"Available\": true, \"Requirements\": [%s]}],\n", count, offer
      printf " \"resources\": {\"cpu\": \"%d\", \"memory\": \"%dGi\", \"ephemeral-storage\": \"4Ti\", ", count * 24, count * 220
      printf "\"pods\": \"110\", \"nvidia.com/gpu\": \"%d\"}}\n", count
    }
    END { print "]" }'
}
