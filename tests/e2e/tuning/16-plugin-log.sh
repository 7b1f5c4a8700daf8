# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The trainer's log on the way: what `tune --follow` and `logs --follow` show of it.

log_flags=(--model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4 --input-url "$data_url"
    --output-image registry.example.com/team/out:1 --output-push-secret push)
# Without what the runtime writes in front of each line.
trainer_log=$work/trainer.log
cut -d' ' -f4- "$root/tests/cluster/nodes/logs/any.log" >"$trainer_log"

# The whole log, each line once, and nothing else behind the line of what was applied.
follows() {
    kubectl kaito tune l-followed "${log_flags[@]}" --follow --timeout 90s >"$work/tune.out" 2>"$work/tune.err" ||
        { cat "$work/tune.out" "$work/tune.err" && return 1; }
    sed -n '/^workspace.kaito.sh/d; p' "$work/tune.out" | diff "$trainer_log" - || return
    grep -qE '^training +.*loss [0-9.]+' "$work/tune.err" || { cat "$work/tune.err" && return 1; }
}
check "tune --follow writes the trainer's log and reads the loss from it" follows

# Asked for before there is a pod: it waits, and goes from container to container.
logs_follow() {
    kubectl kaito tune l-read "${log_flags[@]}" >/dev/null || return
    timeout 90 "$KUBECTL" kaito logs l-read --follow >"$work/logs.out" 2>"$work/logs.err" ||
        { cat "$work/logs.out" "$work/logs.err" && return 1; }
    grep -q '^Container l-read of pod l-read-' "$work/logs.err" || { cat "$work/logs.err" && return 1; }
    grep -qxF -- "$(tail -n 1 "$trainer_log")" "$work/logs.out" || { cat "$work/logs.out" && return 1; }
}
check "logs --follow waits for the pod and ends with it" logs_follow

logs_all() {
    kubectl kaito logs l-read --all >"$work/logs.out" 2>/dev/null || return
    grep -q '^\[data-downloader\] ' "$work/logs.out" && grep -q '^\[pusher\] ' "$work/logs.out"
}
check "logs --all has the lines of every container" logs_all

story() {
    kubectl kaito events l-read >"$work/events" 2>&1 || { cat "$work/events" && return 1; }
    grep -q 'Job/l-read' "$work/events" && grep -q 'Pod/l-read-' "$work/events" || { cat "$work/events" && return 1; }
}
check "events tells of Job and pod in one table" story

# Somebody who may read only Workspaces still learns their state.
narrow_rights() {
    kubectl create clusterrole l-narrow --verb=get,list,watch --resource=workspaces.kaito.sh >/dev/null
    kubectl create rolebinding l-narrow --clusterrole=l-narrow --user=l-narrow >/dev/null
    kubectl kaito status l-read --as l-narrow >"$work/status" 2>"$work/status.err" || { cat "$work/status" "$work/status.err" && return 1; }
    grep -q 'l-read (namespace default): Succeeded' "$work/status" || { cat "$work/status" && return 1; }
    grep -q '^Warning: .*forbidden' "$work/status.err" || { cat "$work/status.err" && return 1; }
    kubectl kaito wait l-read --as l-narrow --timeout 20s >/dev/null 2>&1
}
check "status and wait do with the right to read Workspaces alone" narrow_rights
kubectl delete workspaces --all --wait=false >/dev/null
