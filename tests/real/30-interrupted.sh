# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A training in the middle of which something happens to its pod or its node.

{
    tuning survives url:ok/steps=240 volume:survives
    for name in evicted deleted; do tuning "$name" url:ok/steps=2000 "volume:$name"; done
} | kubectl apply -f - >/dev/null
pod_of() { kubectl get pods -l "kaito.sh/workspace=$1" -o 'jsonpath={.items[0].metadata.name}'; }
trains() { kubectl logs "job/$1" -c "$1" 2>/dev/null | grep -q "'loss'"; }
is_training() { until_true 180 trains "$1" || { kubectl kaito status "$1" && return 1; }; }
for name in evicted deleted survives; do check "$name: it trains" is_training "$name"; done

evict() {
    kubectl create --raw "/api/v1/namespaces/default/pods/$1/eviction" -f - >/dev/null <<<"{\"apiVersion\": \"policy/v1\",
        \"kind\": \"Eviction\", \"metadata\": {\"name\": \"$1\", \"namespace\": \"default\"}, \"deleteOptions\": {\"gracePeriodSeconds\": 1}}"
}
evict "$(pod_of evicted)"
kubectl delete pod "$(pod_of deleted)" --grace-period=1 --wait=false >/dev/null

node_daemons() { # VERB NAME...
    local name
    for name in "${@:2}"; do "$root/tests/cluster/daemon.sh" "$cluster_dir" "$1" "$name" || return; done
}
outlives() { # NAME: kubelet and containerd are killed while it trains
    [ "$(workspace_state "$1")" = Running ] || { echo "it has ended before" && return 1; }
    node_daemons kill kubelet containerd && node_daemons start containerd kubelet || return
    workspace_becomes "$1" Succeeded 240 && on_volume "$1" "$1"
}
ends_as() { # NAME REASON WORDS
    workspace_becomes "$1" Failed 120 && status_says "$1" default Failed "$2" &&
        workspace_condition "$1" WorkspaceSucceeded | grep -qE "$3" || { kubectl kaito status "$1" && return 1; }
}
check "an evicted training is Failed, and says so" ends_as evicted Evicted 'Eviction API'
check "one whose pod was deleted is Failed, and says so" ends_as deleted PodDeleted 'deletes pod'
check "a training outlives a kubelet and a containerd that are killed" outlives survives
