# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Killed at ten points of the way and started again, our process comes to the same end and makes nothing twice.

watch_workspaces start "$work/restart.watch"
came_back() { # NAME POINT MARK REACHED
    [ "$4" = 1 ] || { echo "never came to point $2" && return 1; }
    workspace_becomes "$1" Succeeded 60 || return
    made_once "$1" "$3" || { cat "$work/made" && return 1; }
}
for point in 1 2 3 4 5 6 7 8 9 10; do
    restart_mark=$(audit_mark)
    # The first three pass in milliseconds: what the process has done when it is killed differs from run to run.
    tuning k-$point | kubectl apply -f - >/dev/null
    reached=1
    until_true 60 point_is k-$point $point || reached=0
    webhook_kill
    webhook_start "${reconcile_flags[@]}" >/dev/null 2>&1
    check "killed at point $point of the way, it ends Succeeded and nothing is made twice" \
        came_back k-$point $point "$restart_mark" $reached
done
watch_workspaces stop
jumps=()
for point in 1 2 3 4 5 6 7 8 9 10; do jumps+=(--may-jump "k-$point"); done
check "no condition and no state ever went backwards" "$root/tests/e2e/check_watch.sh" "${jumps[@]}" "$work/restart.watch"

twenty_and_a_kill() {
    local i started=$SECONDS
    [ "$(kubectl get workspaces -l crowd=yes -o name | wc -l)" = 20 ] || return
    for i in $(seq 20); do workspace_becomes "crowd-$i" Succeeded 90 || return; done
    echo "all Succeeded $((SECONDS - started)) s after the restart"
    for i in $(seq 20); do made_once "crowd-$i" "$crowd_mark" || { cat "$work/made" && return 1; }; done
}
crowd_mark=$(audit_mark)
for i in $(seq 20); do tuning "crowd-$i" | sed "s/^metadata: {/metadata: {labels: {crowd: 'yes'}, /"; done | kubectl apply -f - >/dev/null
half_way() { [ "$(kubectl get jobs -o name | grep -c crowd-)" -ge 5 ]; }
until_true 60 half_way
webhook_kill
webhook_start "${reconcile_flags[@]}" >/dev/null 2>&1
check "killed in the middle of twenty, all end Succeeded and nothing is made twice" twenty_and_a_kill
kubectl delete workspaces --all --wait=false >/dev/null

api_server_away() {
    local i
    for i in $(seq 20); do workspace_becomes "away-$i" Succeeded 120 || return; done
    for i in $(seq 20); do made_once "away-$i" "$away_mark" || { cat "$work/made" && return 1; }; done
}
away_mark=$(audit_mark)
for i in $(seq 20); do tuning "away-$i"; done | kubectl apply -f - >/dev/null
until_true 60 point_is away-10 4
"$root/tests/cluster/daemon.sh" "$cluster_dir" stop kube-apiserver >/dev/null 2>&1
read -rt 10 <> <(:) || true # the outage itself
"$root/tests/cluster/daemon.sh" "$cluster_dir" start kube-apiserver >/dev/null 2>&1
# The controller manager does not try again to take a taint off when that failed in the outage: it waits for the next
# change of the Node, which a kubelet makes every few minutes, and kwok does not.
wake_nodes() { kubectl annotate nodes --all --overwrite tests/woken=after-the-outage; }
until_true 30 wake_nodes
check "with the API server away for ten seconds, all twenty end Succeeded and nothing is made twice" api_server_away
kubectl delete workspaces --all --wait=false >/dev/null
