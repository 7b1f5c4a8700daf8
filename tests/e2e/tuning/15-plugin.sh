# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The plugin against the real thing: tune --wait to the end, status, logs, wait, delete --wait.

tune_flags=(--model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4 --input-url "$data_url"
    --output-image registry.example.com/team/out:1 --output-push-secret push)

tune_and_wait() {
    kubectl kaito tune p-good "${tune_flags[@]}" --wait --timeout 90s >"$work/tune.out" 2>"$work/tune.err" ||
        { cat "$work/tune.out" "$work/tune.err" && return 1; }
    grep -q 'workspace.kaito.sh/p-good' "$work/tune.out" || { cat "$work/tune.out" && return 1; }
    local stage
    for stage in node training "done"; do
        grep -q "^$stage" "$work/tune.err" || { echo "no line for $stage:" && cat "$work/tune.err" && return 1; }
    done
}
check "tune --wait shows the stages and ends with 0 when the tuning has succeeded" tune_and_wait

tune_fails() {
    kubectl kaito tune p-trainer-fails "${tune_flags[@]}" --wait --timeout 90s >/dev/null 2>"$work/tune.err"
    local status=$?
    [ "$status" -eq 1 ] || { echo "status $status" && cat "$work/tune.err" && return 1; }
    grep -qiE 'exit(ed)?( with)?( code)? 1|code 1' "$work/tune.err" || { cat "$work/tune.err" && return 1; }
}
check "tune --wait ends with 1 and the cause when the trainer fails" tune_fails

interrupted() {
    # A shell starts its background jobs with SIGINT ignored, which a program rightly leaves so.
    env --default-signal=INT "$KUBECTL" kaito tune p-slow "${tune_flags[@]}" --wait >/dev/null 2>"$work/tune.err" &
    local pid=$! status
    until_true 60 grep -q '^training' "$work/tune.err" || { kill "$pid" && cat "$work/tune.err" && return 1; }
    kill -INT "$pid"
    wait "$pid"
    status=$?
    [ "$status" -eq 130 ] || { echo "status $status" && cat "$work/tune.err" && return 1; }
    grep -q 'kubectl kaito' "$work/tune.err" || { cat "$work/tune.err" && return 1; }
    kubectl kaito wait p-slow --timeout 60s
}
check "Ctrl-C leaves the tuning running and says how to come back" interrupted

timed_out() {
    kubectl kaito tune p-never-ends "${tune_flags[@]}" --wait --timeout 1s >/dev/null 2>&1
    [ $? -eq 124 ]
}
check "--timeout ends with 124" timed_out

status_shows() { # NAME WORDS
    kubectl kaito status "$1" >"$work/status" 2>&1 || { cat "$work/status" && return 1; }
    grep -qE "$2" "$work/status" || { cat "$work/status" && return 1; }
}
check "status says Succeeded of what has succeeded" status_shows p-good 'Succeeded'
check "status names the first cause of what has failed" status_shows p-trainer-fails 'exit|code 1'
status_of_all() { kubectl kaito status | grep -E '^p-good .*Succeeded' && kubectl kaito status -A | grep -q p-trainer-fails; }
check "status without a name lists all" status_of_all
status_json() { kubectl kaito status p-trainer-fails -o json | jq -e '.state == "Failed" and (.cause.reason | length > 0)'; }
check "status -o json carries the cause" status_json

survives_restart() { # of the API server, in the middle of the wait
    kubectl kaito wait p-away-slow --timeout 120s >/dev/null 2>"$work/wait.err" &
    local pid=$!
    until_true 60 grep -q . "$work/wait.err" || return
    "$root/tests/cluster/daemon.sh" "$cluster_dir" stop kube-apiserver >/dev/null 2>&1
    "$root/tests/cluster/daemon.sh" "$cluster_dir" start kube-apiserver >/dev/null 2>&1
    wait "$pid" || { echo "status $?" && cat "$work/wait.err" && return 1; }
}
tuning p-away-slow | kubectl apply -f - >/dev/null
check "wait survives an API server that goes away" survives_restart

logs_say() {
    kubectl kaito logs p-trainer-fails >"$work/logs.out" 2>"$work/logs.err"
    grep -q "p-trainer-fails" "$work/logs.err" || { cat "$work/logs.out" "$work/logs.err" && return 1; }
}
check "logs picks the container that failed and says which" logs_say

deleted() {
    kubectl kaito delete p-good --wait --timeout 60s 2>"$work/delete.err" || { cat "$work/delete.err" && return 1; }
    [ -z "$(leftovers p-good)" ] || { leftovers p-good && return 1; }
}
check "delete --wait returns when nothing is left" deleted
kubectl delete workspaces --all --wait=false >/dev/null
