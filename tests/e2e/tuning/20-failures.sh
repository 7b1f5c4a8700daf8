# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What goes wrong in a pod is named, at once; the Workspace is Failed when its Job is, and not before.

watch_workspaces start "$work/failures.watch"
failing=(download-fails rows-fail trainer-fails oom push-fails image-pull evicted)
for name in "${failing[@]}"; do tuning "f-$name"; done >"$work/failures.yaml"
kubectl apply -f "$work/failures.yaml" >/dev/null

fails_with() { # NAME WORDS: Failed, and the message has the words (a regular expression)
    workspace_becomes "$1" Failed 60 || return
    workspace_condition "$1" WorkspaceSucceeded | grep -qiE "$2" || { echo "it says: $(workspace_condition "$1" WorkspaceSucceeded)" && return 1; }
    [ "$(kubectl get pods -l "kaito.sh/workspace=$1" --no-headers | wc -l)" -le 1 ] || { echo "more than one pod ran" && return 1; }
}
check "a download that fails ends Failed, with curl's exit code explained" fails_with f-download-fails 'download.*22|22.*download'
check "a row that the trainer cannot read ends Failed, with the row and what to do" fails_with f-rows-fail 'DataUnsupported.*row 3.*check --dataset'
check "a trainer that fails ends Failed, naming its exit code" fails_with f-trainer-fails 'exit(ed)?( with)?( code)? 1|code 1'
check "a trainer that is killed for memory ends Failed, saying so" fails_with f-oom 'OOM|memory'
check "a push that fails ends Failed, naming the pusher" fails_with f-push-fails 'push'
check "an evicted pod ends Failed, saying why" fails_with f-evicted 'evict|memory'

named_while_pending() { # an image that cannot be pulled is no reason to give up: the registry may come back
    until_true 30 condition_says f-image-pull 'ImagePullBackOff|cannot be pulled|pull' || { kubectl get workspace f-image-pull -o yaml && return 1; }
    [ "$(workspace_state f-image-pull)" != Failed ]
}
condition_says() {
    { workspace_condition "$1" WorkspaceSucceeded && workspace_condition "$1" JobStarted; } | grep -qE "$2"
}
check "an image that cannot be pulled is named while the Workspace goes on waiting" named_while_pending

# The recording has the time of the pod's trouble and that of our word for it.
warned() { kubectl get events --field-selector "involvedObject.name=$1,type=Warning" -o 'jsonpath={.items[*].reason}' | grep -q .; }
check "a failure is a Warning event on the Workspace" until_true 10 warned f-trainer-fails

cordon() {
    local node
    node=$(kubectl get nodes -l "kaito.sh/workspace=$1" -o name | head -n 1)
    [ -n "$node" ] && kubectl cordon "$node"
}
is_claimed() { [ -n "$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o name)" ]; }
no_node() {
    until_true 40 condition_says u-nowhere 'Unschedulable|cannot be scheduled|no node' ||
        { kubectl get workspace u-nowhere -o yaml && kubectl get pods -l kaito.sh/workspace=u-nowhere -o yaml && return 1; }
}
# The node is closed before there is a Job that could go there: our process is away in between.
tuning u-nowhere | kubectl apply -f - >/dev/null
until_true 30 is_claimed u-nowhere
webhook_stop
until_true 30 cordon u-nowhere >/dev/null
webhook_start "${reconcile_flags[@]}" >/dev/null 2>&1
check "a pod that no node takes is named with the scheduler's words" no_node

secret_missing() {
    tuning u-secret | sed 's/imagePushSecret: push/imagePushSecret: not-there/' | kubectl apply -f - >/dev/null
    workspace_becomes u-secret Succeeded 60 # kwok mounts nothing: only a kubelet can tell
}
check "a Workspace whose secret only a kubelet would miss is not held up by us" secret_missing

watch_workspaces stop
check "no condition and no state ever went backwards" "$root/tests/e2e/check_watch.sh" "$work/failures.watch"

no_second_tuning() { # a Job that somebody deletes is not made again behind the user's back
    tuning j-slow >"$work/j-slow.yaml"
    kubectl apply -f "$work/j-slow.yaml" >/dev/null
    until_true 40 condition_is j-slow JobStarted True || return
    kubectl delete job j-slow --wait=true >/dev/null
    workspace_becomes j-slow Failed 30 || return
    workspace_condition j-slow WorkspaceSucceeded | grep -qi 'deleted' || { workspace_condition j-slow WorkspaceSucceeded && return 1; }
    [ -z "$(kubectl get job j-slow --ignore-not-found -o name)" ]
}
check "a Job that was deleted is not run again behind the user's back" no_second_tuning

kubectl delete workspaces --all --wait=false >/dev/null
check "failed Workspaces leave nothing behind" gone f-trainer-fails 60
