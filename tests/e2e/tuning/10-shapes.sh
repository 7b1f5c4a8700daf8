# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Every input with every output by both methods goes to its end, with few writes, none in vain, and never backwards.

kubectl apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: PersistentVolume, metadata: {name: data}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany], hostPath: {path: /nowhere}, claimRef: {namespace: default, name: data}}}
- {apiVersion: v1, kind: PersistentVolume, metadata: {name: results}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany], hostPath: {path: /nowhere}, claimRef: {namespace: default, name: results}}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: default}, spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: data, resources: {requests: {storage: 1Gi}}}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: results, namespace: default}, spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: results, resources: {requests: {storage: 1Gi}}}}
YAML

watch_workspaces start "$work/shapes.watch"
shapes_mark=$(audit_mark)
shapes=()
for method in lora qlora; do
    for input in url image volume; do
        for output in image volume; do
            shapes+=("$method-$input-$output")
            tuning "$method-$input-$output" "$method" "$input" "$output"
        done
    done
done >"$work/shapes.yaml"
check "the twelve shapes are admitted" kubectl apply -f "$work/shapes.yaml"
for shape in lora-url-image lora-url-volume lora-image-image lora-image-volume lora-volume-image lora-volume-volume \
    qlora-url-image qlora-url-volume qlora-image-image qlora-image-volume qlora-volume-image qlora-volume-volume; do
    check "$shape ends Succeeded" workspace_becomes $shape Succeeded 90
done

conditions_tell() {
    local type
    for type in NodeClaimReady NodesReady ResourceReady JobStarted WorkspaceSucceeded WorkspaceReady; do
        condition_is qlora-url-image $type "True " || { echo "$type: $(workspace_condition qlora-url-image $type)" && return 1; }
    done
    [ -z "$(workspace_condition qlora-url-image InferenceReady)" ] || { echo "a tuning has InferenceReady" && return 1; }
    [ "$(kubectl get workspace qlora-url-image -o 'jsonpath={.status.workerNodes[0]}')" = \
        "$(kubectl get nodes -l kaito.sh/workspace=qlora-url-image -o 'jsonpath={.items[0].metadata.name}')" ]
}
check "its conditions are upstream's, and True" conditions_tell

columns() {
    local line
    kubectl get workspace qlora-url-image | sed -n 1p | tr -s ' ' |
        grep -q '^NAME INSTANCE RESOURCEREADY INFERENCEREADY JOBSTARTED WORKSPACEREADY STATE AGE' || return
    line=$(kubectl get workspace qlora-url-image --no-headers | tr -s ' ')
    [[ $line == "qlora-url-image Standard_NC24ads_A100_v4 True True True Succeeded "* ]] || { echo "$line" && return 1; }
}
check "kubectl get workspace shows it, with INFERENCEREADY empty" columns

owned() {
    local uid
    uid=$(kubectl get workspace qlora-url-image -o 'jsonpath={.metadata.uid}')
    [ "$(kubectl get job qlora-url-image -o 'jsonpath={.metadata.ownerReferences[0].uid}')" = "$uid" ] &&
        [ "$(kubectl get controllerrevisions -l workspace.kaito.io/name=qlora-url-image -o 'jsonpath={.items[*].metadata.ownerReferences[0].uid}')" = "$uid" ] &&
        [ "$(kubectl get job qlora-url-image -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/revision}')" = 1 ] &&
        [ "$(kubectl get nodeclaims -l kaito.sh/workspace=qlora-url-image,kaito.sh/workspacenamespace=default -o name | wc -l)" = 1 ] &&
        kubectl get workspace qlora-url-image -o 'jsonpath={.metadata.finalizers}' | grep -q workspace.finalizer.kaito.sh
}
check "its objects carry upstream's labels, annotations, owner and finalizer" owned

few_writes() { # a Workspace: at most one write a child, eight of its status, none in vain
    local name=$1 lines
    lines=$(audit_lines "$shapes_mark" | jq -rs --arg name "$name" 'map(select(.of == $name))')
    jq -e 'map(select(.noop)) | length == 0' <<<"$lines" >/dev/null || { echo "writes that change nothing:" && jq -c '.[] | select(.noop)' <<<"$lines" && return 1; }
    jq -e 'map(select(.resource == "workspaces/status")) | length <= 8' <<<"$lines" >/dev/null || { echo "status patches:" && jq -c '.[] | select(.resource == "workspaces/status")' <<<"$lines" && return 1; }
    jq -e 'map(select(.resource != "workspaces/status" and .resource != "events")) | group_by([.resource, .name]) | map(length) | max == 1' \
        <<<"$lines" >/dev/null || { echo "$lines" | jq -c '.[]' && return 1; }
}
for shape in lora-url-image qlora-volume-volume; do
    check "$shape: one write a child, at most eight of the status, none that changes nothing" few_writes $shape
done

no_writes_in_steady_state() {
    local mark
    webhook_stop
    webhook_start "${reconcile_flags[@]}" --resync-period=1s || return
    mark=$(audit_mark)
    # Two resyncs have passed when each Workspace was looked at a third time.
    until_true 30 looked_at_often || { echo "no resync seen" && return 1; }
    # The Lease is renewed all the time; nothing else may be written.
    [ -z "$(audit_lines "$mark" | jq -c 'select(.resource != "leases")')" ] || { audit_lines "$mark" && return 1; }
}
looked_at_often() {
    local looks
    looks=$(http_ok "http://127.0.0.1:$metrics_port/metrics" | sed -nE 's/^controller_runtime_reconcile_total\{.*result="success".*\} ([0-9]+)$/\1/p' | tail -n 1)
    [ "${looks:-0}" -ge 36 ]
}
# The server is started in this shell, not in that of `check`.
if no_writes_in_steady_state >"$work/steady.log" 2>&1; then ok "two resyncs over finished Workspaces write nothing"; else
    not_ok "two resyncs over finished Workspaces write nothing"
    sed 's/^/    /' "$work/steady.log"
fi
webhook_stop
webhook_start "${reconcile_flags[@]}" >/dev/null

watch_workspaces stop
check "no condition and no state ever went backwards" "$root/tests/e2e/check_watch.sh" "$work/shapes.watch"

deletes_all() {
    kubectl delete -f "$work/shapes.yaml" --wait=false >/dev/null
    local shape
    for shape in lora-url-image qlora-volume-volume qlora-image-image; do gone $shape 60 || return; done
}
check "deleting them leaves nothing behind" deletes_all
